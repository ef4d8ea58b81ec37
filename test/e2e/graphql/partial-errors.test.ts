import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody, stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { csvOf } from '../../kit/bodies/results.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';

// Every field with its own upstream call fails alone: its siblings have data, and the error has the path and the code.

const JOB = '/fine_tuning/jobs/ftjob-1';
const QUERY = `{ fineTuningJob(id: "ftjob-1") {
  id
  status
  model { id }
  trainingFile { id preview { text } }
  resultFiles { id }
  events(first: 20) { edges { node { id } } }
  checkpoints { edges { node { id fineTunedModelId } } }
  metrics { totalPoints }
  progress { step }
} }`;

const COMPLETE = {
  id: 'ftjob-1',
  status: 'SUCCEEDED',
  model: { id: 'base' },
  trainingFile: { id: 'file-training', preview: { text: '{}\n' } },
  resultFiles: [{ id: 'file-results' }],
  events: { edges: [{ node: { id: 'ftevent-done' } }, { node: { id: 'ftevent-step-2' } }] },
  checkpoints: { edges: [{ node: { id: 'ftckpt_1', fineTunedModelId: 'ft:base:acme::ftckpt_1' } }] },
  metrics: { totalPoints: 3 },
  progress: { step: 2 },
};

async function start(): Promise<World> {
  const world = await startWorld();
  const { upstream } = world;
  upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', model: 'base', result_files: ['file-results'] }));
  upstream.onModel(modelBody('base'));
  upstream.onFile(fileBody('file-training'));
  upstream.onContent('file-training', '{}\n');
  upstream.onFile(fileBody('file-results', { purpose: 'fine-tune-results' }));
  upstream.onContent(
    'file-results',
    csvOf('step,train_loss', [
      [1, 3],
      [2, 2],
      [3, 1],
    ]),
  );
  upstream.onEvents('ftjob-1', [eventBody('ftevent-done', { created_at: 1_760_000_200 }), stepBody(2, 3)]);
  const checkpoint = checkpointBody('ftckpt_1', { fine_tuned_model_checkpoint: 'ft:base:acme::ftckpt_1' });
  upstream.onCheckpoints('ftjob-1', [checkpoint]);
  return world;
}

type Respond = (request: IncomingMessage, response: ServerResponse) => void;
const failWith =
  (status: number, body: unknown, headers: Record<string, string> = {}): Respond =>
  (_, response) =>
    writeResponse(response, status, body, headers);
const errorBody = (code: string | null, message = 'An error.') => ({
  error: { message, type: 'invalid_request_error', param: null, code },
});

const REQUEST_ID = { 'x-request-id': 'req_123' };
const FAILURES: [string, Respond, Record<string, unknown>][] = [
  [
    '400',
    failWith(400, errorBody(null), REQUEST_ID),
    { code: 'UPSTREAM_REJECTED', upstreamStatus: 400, upstreamRequestId: 'req_123' },
  ],
  ['401', failWith(401, errorBody('invalid_api_key')), { code: 'UPSTREAM_UNAUTHENTICATED', upstreamStatus: 401 }],
  ['403', failWith(403, errorBody(null)), { code: 'UPSTREAM_FORBIDDEN', upstreamStatus: 403 }],
  ['404 of a router', failWith(404, { detail: 'Not Found' }), { code: 'UPSTREAM_UNSUPPORTED', upstreamStatus: 404 }],
  ['405', failWith(405, 'no'), { code: 'UPSTREAM_UNSUPPORTED', upstreamStatus: 405 }],
  [
    '429',
    failWith(429, errorBody('rate_limit_exceeded'), { 'retry-after': '7' }),
    { code: 'UPSTREAM_RATE_LIMITED', upstreamStatus: 429, retryAfterSeconds: 7 },
  ],
  [
    '429 without retry',
    failWith(429, errorBody('insufficient_quota')),
    { code: 'UPSTREAM_QUOTA_EXCEEDED', upstreamStatus: 429 },
  ],
  ['500', failWith(500, errorBody('server_error')), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 500 }],
  ['503', failWith(503, '<html>'), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 503 }],
  ['a broken connection', (_, response) => void response.destroy(), { code: 'UPSTREAM_UNAVAILABLE' }],
];
const INVALID: [string, Respond, Record<string, unknown>] = [
  'a response that is not JSON',
  failWith(200, 'none'),
  { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
];

/** The fields that depend on each endpoint of the upstream. */
const ENDPOINTS: [string, string, Record<string, unknown>, (string | number)[][]][] = [
  ['the model', '/models/base', { model: null }, [['model']]],
  ['the training file', '/files/file-training', { trainingFile: null }, [['trainingFile']]],
  ['a results file', '/files/file-results', { resultFiles: [null] }, [['resultFiles', 0]]],
  [
    'the content of the training file',
    '/files/file-training/content',
    { trainingFile: { id: 'file-training', preview: null } },
    [['trainingFile', 'preview']],
  ],
  ['the metrics', '/files/file-results/content', { metrics: null }, [['metrics']]],
  ['the events', `${JOB}/events`, { events: null, progress: null }, [['events'], ['progress']]],
  ['the checkpoints', `${JOB}/checkpoints`, { checkpoints: null }, [['checkpoints']]],
];

it('every field has data when the upstream responds', async () => {
  await using world = await start();
  expect(await world.ask(QUERY)).toEqual({ fineTuningJob: COMPLETE });
});

const REJECTIONS = ['UPSTREAM_FORBIDDEN', 'UPSTREAM_REJECTED', 'UPSTREAM_UNSUPPORTED'];
const CASES = ENDPOINTS.flatMap(([name, target, lost, paths]) =>
  // File contents can be anything but JSON.
  [...FAILURES, ...(target.endsWith('/content') ? [] : [INVALID])]
    // When the contents are rejected, the metrics come from the events.
    .filter(([, , { code }]) => !(name === 'the metrics' && REJECTIONS.includes(String(code))))
    .map(([failure, script, extensions]) => [name, failure, { target, script, lost, paths, extensions }] as const),
);

it.each(CASES)(
  '%s fails alone, with the right code: %s',
  async (_, __, { target, script, lost, paths, extensions }) => {
    await using world = await start();
    world.upstream.on(target, script);
    const { data, errors = [] } = await world.gateway.query(QUERY);
    expect(data).toEqual({ fineTuningJob: { ...COMPLETE, ...lost } });
    const sortedErrors = errors.toSorted((a, b) => String(a.path).localeCompare(String(b.path)));
    expect(sortedErrors.map(({ path, extensions }) => ({ path, extensions }))).toEqual(
      paths.map((path) => ({ path: ['fineTuningJob', ...path], extensions })),
    );
  },
);

it('a failed read of one model does not affect the other', async () => {
  await using world = await start();
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', model: 'base', fine_tuned_model: 'ft:base' }));
  world.upstream.onModels([modelBody('base')]);
  world.upstream.on('/models/ft%3Abase', failWith(500, {}));
  const { data, errors } = await world.gateway.query(
    '{ fineTuningJob(id: "ftjob-1") { model { id } fineTunedModel { id } } }',
  );
  expect(data).toEqual({ fineTuningJob: { model: { id: 'base' }, fineTunedModel: null } });
  expect(errors).toMatchObject([
    { path: ['fineTuningJob', 'fineTunedModel'], extensions: { code: 'UPSTREAM_UNAVAILABLE' } },
  ]);
});

it('a failed read of one file does not affect the others', async () => {
  await using world = await start();
  const files = { training_file: 'file-1', validation_file: 'file-2', result_files: ['file-3'] };
  world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', ...files }));
  for (const id of ['file-1', 'file-3']) world.upstream.onFile(fileBody(id));
  world.upstream.on('/files/file-2', failWith(500, {}));
  const { data, errors } = await world.gateway.query(
    '{ fineTuningJob(id: "ftjob-1") { trainingFile { id } validationFile { id } resultFiles { id } } }',
  );
  expect(data).toEqual({
    fineTuningJob: { trainingFile: { id: 'file-1' }, validationFile: null, resultFiles: [{ id: 'file-3' }] },
  });
  expect(errors).toMatchObject([
    { path: ['fineTuningJob', 'validationFile'], extensions: { code: 'UPSTREAM_UNAVAILABLE' } },
  ]);
});

it('failed events of one job in a list do not affect the other jobs', async () => {
  await using world = await start();
  world.upstream.onJobs(['ftjob-1', 'ftjob-2'].map((id) => jobBody({ id })));
  world.upstream.on('/fine_tuning/jobs/ftjob-2/events', failWith(500, {}));
  const { data, errors } = await world.gateway.query(
    '{ fineTuningJobs { edges { node { id progress { step } metrics { totalPoints } } } } }',
  );
  expect(data).toEqual({
    fineTuningJobs: {
      edges: [
        { node: { id: 'ftjob-1', progress: { step: 2 }, metrics: { totalPoints: 1 } } },
        { node: { id: 'ftjob-2', progress: null, metrics: null } },
      ],
    },
  });
  expect(errors?.map(({ path, extensions }) => [path?.slice(2).join(), extensions['code']]).toSorted()).toEqual([
    ['1,node,metrics', 'UPSTREAM_UNAVAILABLE'],
    ['1,node,progress', 'UPSTREAM_UNAVAILABLE'],
  ]);
});

it('a field whose upstream call times out is UPSTREAM_TIMEOUT, and its siblings have data', async () => {
  await using world = await start();
  const called = Promise.withResolvers<void>();
  world.upstream.on(`${JOB}/checkpoints`, () => called.resolve());
  const pending = world.gateway.query('{ fineTuningJob(id: "ftjob-1") { id checkpoints { edges { cursor } } } }');
  await called.promise;
  world.clock.advance(30_000);
  const { data, errors } = await pending;
  expect(data).toEqual({ fineTuningJob: { id: 'ftjob-1', checkpoints: null } });
  expect(errors).toMatchObject([{ path: ['fineTuningJob', 'checkpoints'], extensions: { code: 'UPSTREAM_TIMEOUT' } }]);
});
