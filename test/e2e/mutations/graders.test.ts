import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const FAILURE = `
  ... on Error { message code }
  ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { retryAfterSeconds }`;
const RUN = `mutation ($input: RunGraderInput!) { runGrader(input: $input) {
  __typename ${FAILURE}
  ... on RunGraderSuccess {
    reward subRewards modelGraderTokenUsagePerModel
    metadata { name type errors executionTime scores tokenUsage sampledModelName }
  }
} }`;
const VALIDATE = `mutation ($input: ValidateGraderInput!) { validateGrader(input: $input) {
  __typename ${FAILURE}
  ... on ValidateGraderSuccess { grader { __typename name ... on StringCheckGrader { operation reference } } }
} }`;

const CHECK = { name: 'same', input: '{{sample.output_text}}', reference: '{{item.answer}}', operation: 'EQ' };
const JUDGE = {
  name: 'judge',
  modelId: 'gpt-4.1-mini-2025-04-14',
  messages: [{ role: 'user', content: 'Is {{sample.output_text}} polite?' }],
};
const SAMPLE = { grader: { stringCheck: CHECK }, modelSample: 'Yes', item: { answer: 'Yes' } };

async function mutate(gateway: TestGateway, query: string, input: object) {
  const { data, errors } = await gateway.query(query, { input });
  expect(errors).toBeUndefined();
  return Object.values(data ?? {})[0];
}

/** A gateway in front of an upstream that runs graders and records the bodies of the requests. */
async function startWithUpstream(settings: Record<string, string> = {}) {
  const upstream = await startUpstream();
  const bodies: unknown[] = [];
  upstream.on('/fine_tuning/alpha/graders/run', async (request: IncomingMessage, response: ServerResponse) => {
    bodies.push(await json(request));
    writeResponse(response, 200, { reward: 1 });
  });
  const gateway = await startGateway(
    { OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...settings },
    createTestClock(Date.UTC(2026, 0, 1, 23)),
  );
  const close = async () => {
    await gateway[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  };
  return { upstream, gateway, bodies, [Symbol.asyncDispose]: close };
}

describe('a grader', () => {
  it('is validated and returned as in the response of the upstream', async () => {
    await using gateway = await startGateway();
    expect(await mutate(gateway, VALIDATE, { grader: { stringCheck: CHECK } })).toEqual({
      __typename: 'ValidateGraderSuccess',
      grader: { __typename: 'StringCheckGrader', name: 'same', operation: 'EQ', reference: '{{item.answer}}' },
    });
  });

  it('is run on a sample and returns the score with its details', async () => {
    await using gateway = await startGateway({}, createTestClock());
    expect(await mutate(gateway, RUN, SAMPLE)).toEqual({
      __typename: 'RunGraderSuccess',
      reward: 1,
      subRewards: {},
      modelGraderTokenUsagePerModel: {},
      metadata: {
        name: 'same',
        type: 'string_check',
        errors: expect.objectContaining({ formula_parse_error: false }),
        executionTime: 0,
        scores: { same: 1 },
        tokenUsage: null,
        sampledModelName: null,
      },
    });
    expect(await mutate(gateway, RUN, { ...SAMPLE, modelSample: 'No' })).toMatchObject({ reward: 0 });
  });

  it('of type multi is a list in the input and a map upstream, and returns the score of each member', async () => {
    await using gateway = await startGateway();
    const graders = [
      { name: 'exact', grader: { stringCheck: CHECK } },
      { name: 'polite', grader: { labelModel: { ...JUDGE, labels: ['yes', 'no'], passingLabels: ['yes'] } } },
      { name: 'good', grader: { scoreModel: { ...JUDGE, range: [0, 1] } } },
    ];
    const multi = { name: 'all', calculateOutput: 'exact + 0 * polite + 0 * good', graders };
    expect(await mutate(gateway, RUN, { ...SAMPLE, grader: { multi } })).toMatchObject({
      reward: 1,
      subRewards: { exact: 1, polite: expect.any(Number), good: expect.any(Number) },
      modelGraderTokenUsagePerModel: { [JUDGE.modelId]: expect.any(Number) },
    });
  });

  it('that is invalid returns every problem and sends nothing', async () => {
    await using world = await startWithUpstream();
    const graders = [
      { name: 'a', grader: { stringCheck: { ...CHECK, name: '' } } },
      { name: 'a', grader: { scoreModel: { ...JUDGE, messages: [], range: [1] } } },
    ];
    const grader = { multi: { name: 'all', calculateOutput: '', graders } };
    const failure = await mutate(world.gateway, RUN, { grader, modelSample: '', item: [] });
    expect(failure).toMatchObject({ __typename: 'InvalidInputError', code: 'BAD_USER_INPUT' });
    expect(failure).toHaveProperty(
      'message',
      expect.stringMatching(/^grader\.multi\.\S+: .*\bexpected .*\. issues has 5 more\.$/),
    );
    const paths = Object(failure).issues.map(({ path }: { path: string[] }) => path.join('.'));
    expect(paths.sort()).toEqual([
      'grader.multi.calculateOutput',
      'grader.multi.graders.0.grader.stringCheck.name',
      'grader.multi.graders.1.grader.scoreModel.messages',
      'grader.multi.graders.1.grader.scoreModel.range',
      'grader.multi.graders.1.name',
      'item',
    ]);
    expect(await mutate(world.gateway, VALIDATE, { grader })).toMatchObject({ __typename: 'InvalidInputError' });
    expect(world.upstream.calls).toEqual([]);
  });

  it.each([
    ['two types at once', { stringCheck: CHECK, python: { name: 'code', source: 'x' } }],
    ['no type', {}],
    ['a label model outside of a multi grader', { labelModel: { ...JUDGE, labels: ['a'], passingLabels: ['a'] } }],
  ])('of %s is rejected', async (_, grader) => {
    await using world = await startWithUpstream();
    const { errors } = await world.gateway.query(VALIDATE, { input: { grader } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(world.upstream.calls).toEqual([]);
  });

  it('is sent unchanged to a server whose limits are unknown', async () => {
    await using world = await startWithUpstream();
    expect(await mutate(world.gateway, RUN, { ...SAMPLE, item: null })).toMatchObject({ reward: 1, metadata: null });
    expect(world.bodies).toEqual([
      {
        grader: { type: 'string_check', ...CHECK, operation: 'eq' },
        model_sample: 'Yes',
      },
    ]);
  });

  it('that the upstream rejects returns UpstreamError', async () => {
    await using world = await startWithUpstream();
    world.upstream.failAll((_, response) =>
      writeResponse(response, 400, { error: { message: 'no' } }, { 'x-request-id': 'r' }),
    );
    expect(await mutate(world.gateway, VALIDATE, { grader: { stringCheck: CHECK } })).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_REJECTED',
    });
  });
});

describe('the daily quota of grader runs', () => {
  it('is MAX_GRADER_RUNS_PER_DAY, and a run beyond it makes no call', async () => {
    await using world = await startWithUpstream({ MAX_GRADER_RUNS_PER_DAY: '2' });
    for (const _ of [1, 2]) expect(await mutate(world.gateway, RUN, SAMPLE)).toMatchObject({ reward: 1 });
    expect(await mutate(world.gateway, RUN, SAMPLE)).toEqual({
      __typename: 'QuotaExceededError',
      code: 'RATE_LIMITED',
      message: expect.stringMatching(
        /^MAX_GRADER_RUNS_PER_DAY: the caller's daily quota for running graders \(2\) is used up; it resets at .*T00:00:00Z/,
      ),
      retryAfterSeconds: 3600,
    });
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('does not count a run that the gateway or the upstream rejects', async () => {
    await using world = await startWithUpstream({ MAX_GRADER_RUNS_PER_DAY: '1' });
    world.upstream.failAll((_, response) => writeResponse(response, 400, { error: { message: 'no' } }));
    await mutate(world.gateway, RUN, SAMPLE);
    await mutate(world.gateway, RUN, { ...SAMPLE, item: 7 });
    world.upstream.failAll(null);
    expect(await mutate(world.gateway, RUN, SAMPLE)).toMatchObject({ reward: 1 });
  });

  it('is per caller', async () => {
    const { file, tokens } = tokenFile({ otto: 'operator', olga: 'operator' });
    await using world = await startWithUpstream({
      MAX_GRADER_RUNS_PER_DAY: '1',
      AUTH: 'tokens',
      AUTH_TOKENS_FILE: file,
    });
    const run = async (name: keyof typeof tokens) => {
      const { data } = await askAs(world.gateway.url, `Bearer ${tokens[name]}`, RUN, 'POST', { input: SAMPLE });
      return Object(data?.['runGrader']).__typename;
    };
    const all = [await run('otto'), await run('otto'), await run('olga')];
    expect(all).toEqual(['RunGraderSuccess', 'QuotaExceededError', 'RunGraderSuccess']);
  });
});
