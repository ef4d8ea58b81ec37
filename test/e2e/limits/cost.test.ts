import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../../src/schema/schema.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { post } from '../../kit/client/post.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { NO_CACHE } from '../../kit/gateway/world.ts';
import { randomQuery } from '../../kit/isolation/random-query.ts';

const WITH_COST = { cost: true };
const NO_LIMITS = { RATE_LIMIT_PER_MINUTE: '0', MAX_QUERY_COST: '0', MAX_QUERY_DEPTH: '0', MAX_QUERY_ALIASES: '0' };

describe('the cost of a query', () => {
  it('is returned on request, with the maximum and the remaining points', async () => {
    await using gateway = await startGateway();
    const query = '{ fineTuningJobs(first: 3) { edges { node { id progress { step } } } } }';
    const { body } = await post(gateway.url, { query, extensions: WITH_COST });
    expect(body.extensions).toEqual({ cost: { requested: 7, max: 5000, remaining: 20_000 - 7 } });
    expect(body.data).toMatchObject({ fineTuningJobs: { edges: [{}, {}, {}] } });
  });

  it.each([{}, { cost: false }, { cost: 'true' }, { other: 1 }, null])(
    'is not returned for the extensions %j',
    async (extensions) => {
      await using gateway = await startGateway();
      const { body } = await post(gateway.url, { query: '{ __typename }', extensions });
      expect(body).toEqual({ data: { __typename: 'Query' } });
    },
  );

  it('is current in each response, though equal responses are cached', async () => {
    await using gateway = await startGateway();
    const params = { query: '{ gateway { version } }', extensions: WITH_COST };
    const extensionsOf = async () => (await post(gateway.url, params)).body.extensions;
    expect(await extensionsOf()).toEqual({ cost: { requested: 1, max: 5000, remaining: 19_999 } });
    expect(await extensionsOf()).toEqual({ cost: { requested: 1, max: 5000, remaining: 19_998 } });
  });

  it('has neither without limits', async () => {
    await using gateway = await startGateway(NO_LIMITS);
    const { body } = await post(gateway.url, { query: '{ __typename }', extensions: WITH_COST });
    expect(body.extensions).toEqual({ cost: { requested: 1, max: null, remaining: null } });
  });

  it('is returned by GET as well', async () => {
    await using gateway = await startGateway();
    const search = new URLSearchParams({ query: '{ __typename }', extensions: JSON.stringify(WITH_COST) });
    const response = await fetch(`${gateway.url}?${search}`);
    expect(await response.json()).toMatchObject({ extensions: { cost: { requested: 1 } } });
  });
});

/** Jobs of every kind with their own resources, some of which are missing. */
function scriptJobs(upstream: ScriptedUpstream): void {
  const statuses = ['running', 'succeeded', 'failed', 'queued', 'succeeded', 'cancelled'];
  const jobs = Array.from({ length: 30 }, (_, index) => {
    const status = statuses[index % statuses.length];
    const isDone = status === 'succeeded';
    return jobBody({
      id: `ftjob-${index}`,
      status,
      model: `base-${index}`,
      training_file: `file-train-${index}`,
      validation_file: `file-valid-${index}`,
      fine_tuned_model: isDone ? `ft:base:${index}` : null,
      result_files: isDone ? [`file-result-${index}`] : [],
    });
  });
  upstream.onJobs(jobs);
  for (const [index, job] of jobs.entries()) {
    upstream.onJob(job);
    const steps = index % 3 === 2 ? 30 : 3000;
    const newest = Array.from({ length: 25 }, (_, index) => eventBody(`ftevent-last-${index}`));
    upstream.onEvents(job.id, [
      ...newest,
      ...Array.from({ length: steps }, (_, step) => stepBody(steps - step, steps)),
    ]);
    const modelOf = (step: number) => ({ fine_tuned_model_checkpoint: `ft:base:${index}:${step}` });
    const checkpoints = [1, 2, 3].map((step) => checkpointBody(`ftckpt_${index}_${step}`, modelOf(step)));
    upstream.onCheckpoints(job.id, checkpoints);
    if (index % 2 === 0) upstream.onFile(fileBody(`file-train-${index}`));
    if (index % 4 === 0) upstream.onContent(`file-result-${index}`, 'step,train_loss\n1,0.5\n');
  }
  upstream.on('/files', { object: 'list', data: [fileBody('file-other')], has_more: false });
  upstream.onModels([modelBody('base-1')]);
}

it('no query causes more upstream calls than its points, with empty caches', async () => {
  await using upstream = await startUpstream();
  scriptJobs(upstream);
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE, ...NO_LIMITS });
  const schema = createSchema();
  const values = {
    id: ['"ftjob-0"', '"ftjob-1"', '"ftjob-4"', '"file-train-0"', '"file-none"', '"odd"', '"ft:base:1"'],
    ids: ['["ftjob-1", "odd", "even"]', '["file-1", "file-2", "file-3", "file-4", "ft:a", "ft:b"]'],
    first: ['', '2', '5', '30'],
    filter: ['', '{}'],
    maxPoints: ['', '16'],
    fileId: ['"file-result-0"', '"file-train-0"', '"file-none"'],
  };
  const underestimated: [calls: number, cost: number, query: string][] = [];
  let calls = 0;
  const check = async (query: string) => {
    const before = upstream.calls.length;
    const { body } = await post(gateway.url, { query, extensions: WITH_COST });
    const made = upstream.calls.length - before;
    const { requested } = Object(body.extensions?.['cost']);
    calls += made;
    if (!(requested >= made)) underestimated.push([made, requested, query]);
  };
  // Each cost alone, where no other can cover for it; then random combinations.
  for (const id of ['ftjob-0', 'ftjob-1', 'ftjob-4', 'ftjob-5']) {
    for (const part of PARTS) await check(`{ fineTuningJob(id: "${id}") { ${part} } }`);
  }
  for (const part of PARTS) await check(`{ fineTuningJobs(first: 30) { edges { node { ${part} } } } }`);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 10, maxLength: 60 }), (choices) =>
      check(randomQuery(schema, values, choices, 7)),
    ),
    { numRuns: 100, seed: 4 },
  );
  expect(underestimated).toEqual([]);
  expect(calls).toBeGreaterThan(1000); // Enough for the comparison to mean something.
}, 120_000);

const PARTS = [
  'progress { step }',
  'metrics(maxPoints: 16) { totalPoints }',
  'events { edges { cursor } }',
  'checkpoints(first: 1) { edges { cursor } }',
  'checkpoints { edges { node { fineTunedModel { id } } } }',
  'model { id }',
  'fineTunedModel { id }',
  'trainingFile { id preview { text } }',
  'validationFile { id }',
  'resultFiles { id preview { text } }',
];
