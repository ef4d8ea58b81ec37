import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { EXAMPLES, idPaths, makeWritable, mutationDocument, withValue } from '../../kit/mutation/examples.ts';

async function start(settings: Record<string, string> = {}) {
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...settings });
  return {
    upstream,
    gateway,
    /** Sends variables as JSON text: JavaScript would round the number before the gateway does. */
    async post(query: string, variables: string) {
      const body = `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`;
      const headers = { 'content-type': 'application/json' };
      return Object(await (await fetch(gateway.url, { method: 'POST', headers, body })).json());
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const PLACES = {
  'fineTuningJob(id)': 'query ($id: ID!) { fineTuningJob(id: $id) { id } }',
  'file(id)': 'query ($id: ID!) { file(id: $id) { id } }',
  'model(id)': 'query ($id: ID!) { model(id: $id) { id } }',
  'node(id)': 'query ($id: ID!) { node(id: $id) { id } }',
  'nodes(ids), an item': 'query ($id: ID!) { nodes(ids: ["ftjob-1", $id]) { id } }',
  'nodes(ids), coerced to a list': 'query ($id: [ID!]!) { nodes(ids: $id) { id } }',
  'checkTrainingFile(fileId)': 'query ($id: ID!) { checkTrainingFile(fileId: $id) { exampleCount } }',
  'a filter': 'query ($id: [ID!]) { fineTuningJobs(filter: { modelIds: $id }) { edges { cursor } } }',
  'the job of a subscription': 'subscription ($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { job { id } } }',
  'since of a subscription':
    'subscription ($id: ID) { fineTuningJobEventAdded(jobId: "ftjob-1", since: $id) { event { id } } }',
};

describe.each(Object.entries(PLACES))('a number as %s', (_, query) => {
  it.each(['9007199254740993', '-9007199254740993', '1e21', '9007199254740992'])(
    'beyond 2^53 is BAD_USER_INPUT without a call, as the id would be another one: %s',
    async (number) => {
      await using world = await start();
      const { data, errors } = await world.post(query, `{"id": ${number}}`);
      expect(data ?? null).toBeNull();
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({
        message: expect.stringMatching(/id.*expected the id as a string, such as "9007199254740993"/),
        extensions: { code: 'BAD_USER_INPUT' },
      });
      expect(world.upstream.calls).toEqual([]);
    },
  );
});

describe('an id', () => {
  it.each([
    ['a number up to 2^53 - 1 in variables', 'query ($id: ID!) { fineTuningJob(id: $id) { id } }', '9007199254740991'],
    ['text in variables', 'query ($id: ID!) { fineTuningJob(id: $id) { id } }', '"9007199254740993"'],
    ['a literal in the document', '{ fineTuningJob(id: 9007199254740993) { id } }', 'null'],
    ['a text in the document', '{ fineTuningJob(id: "9007199254740993") { id } }', 'null'],
  ])('that is %s is exact', async (_, query, id) => {
    await using world = await start();
    const exact = id === '9007199254740991' ? id : '9007199254740993';
    world.upstream.onJob(jobBody({ id: exact }));
    expect(await world.post(query, id === 'null' ? 'null' : `{"id": ${id}}`)).toEqual({
      data: { fineTuningJob: { id: exact } },
    });
  });

  it('that is a number beyond 2^53 is BAD_USER_INPUT in every input of a mutation, without a call', async () => {
    await using world = await start({ OPENAI_ADMIN_KEY: 'an-admin-key', ALLOW_MUTATIONS: 'on' });
    makeWritable(world.upstream);
    for (const [mutation, { input }] of Object.entries(EXAMPLES)) {
      for (const path of idPaths(mutation)) {
        const variables = JSON.stringify({ input: withValue(input, path, '#') }).replace('"#"', '9007199254740993');
        const { errors } = await world.post(mutationDocument(mutation), variables);
        expect(errors, `${mutation} ${path}`).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
        expect(errors[0].message).toContain(path.at(-1));
      }
    }
    expect(world.upstream.calls).toEqual([]);
  });
});
