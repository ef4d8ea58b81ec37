import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../kit/client/sse.ts';
import { createTestClock, turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { CREATE, create, idOf, startSandboxWorld } from '../../kit/mutation/create-job.ts';
import { tokenFile } from '../../kit/process/token.ts';

const JOBS = '/fine_tuning/jobs';
const UNLIMITED = { CACHE_ACTIVE_MS: '60000' };

/** A world whose upstream creates a job from every body, and records the bodies. */
async function startCreating() {
  // The form of OpenAI; hyperparameter-placement.test.ts has those of other servers.
  const world = await startWorld({ ALLOW_MUTATIONS: 'on', UPSTREAM_HYPERPARAMETERS: 'method', ...UNLIMITED });
  const bodies: Record<string, unknown>[] = [];
  world.upstream.on(JOBS, async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return writeResponse(response, 200, { data: [], has_more: false });
    const body = JSON.parse(await text(request));
    bodies.push(body);
    writeResponse(
      response,
      200,
      jobBody({ id: 'ftjob-new', status: 'validating_files', metadata: body.metadata ?? null }),
    );
  });
  return { ...world, bodies, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const INPUT = { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1' };
const WIRE = { model: 'gpt-4.1-mini', training_file: 'file-1' };
const COMMON = { batchSize: 8, learningRateMultiplier: 1.5, nEpochs: 'auto' };
const WIRE_COMMON = { batch_size: 8, learning_rate_multiplier: 1.5, n_epochs: 'auto' };

describe('createFineTuningJob', () => {
  it.each<[string, object, object]>([
    ['only a model and a training file', {}, {}],
    [
      'nulls, which mean the defaults',
      { method: null, seed: null, metadata: null, integrations: null, extra: null },
      {},
    ],
    [
      'every top-level field',
      {
        validationFileId: 'file-2',
        suffix: 'mine',
        seed: 7,
        integrations: [{ wandb: { project: 'p', name: null, tags: ['a'] } }],
        metadata: [
          { key: 'team', value: 'a' },
          { key: 'extra', value: '' },
        ],
        extra: { trainingType: 'Standard' },
      },
      {
        validation_file: 'file-2',
        suffix: 'mine',
        seed: 7,
        integrations: [{ type: 'wandb', wandb: { project: 'p', tags: ['a'] } }],
        metadata: { team: 'a', extra: '' },
        trainingType: 'Standard',
      },
    ],
    [
      'a supervised method',
      { method: { supervised: { hyperparameters: COMMON, extra: { packing: true } } } },
      { method: { type: 'supervised', supervised: { hyperparameters: WIRE_COMMON, packing: true } } },
    ],
    [
      'a method without hyperparameters',
      { method: { supervised: {} } },
      { method: { type: 'supervised', supervised: {} } },
    ],
    [
      'a DPO method',
      { method: { dpo: { hyperparameters: { ...COMMON, beta: 0.1 } } } },
      { method: { type: 'dpo', dpo: { hyperparameters: { ...WIRE_COMMON, beta: 0.1 } } } },
    ],
    [
      'a reinforcement method with a grader and an extra property',
      {
        method: {
          reinforcement: {
            grader: {
              multi: {
                name: 'm',
                calculateOutput: 'a',
                graders: [{ name: 'a', grader: { python: { name: 'a', source: 's', imageTag: '1' } } }],
              },
            },
            hyperparameters: { computeMultiplier: 2, evalInterval: 3, evalSamples: 'auto', reasoningEffort: 'LOW' },
            extra: { response_format: { type: 'text' } },
          },
        },
      },
      {
        method: {
          type: 'reinforcement',
          reinforcement: {
            grader: {
              type: 'multi',
              name: 'm',
              calculate_output: 'a',
              graders: { a: { type: 'python', name: 'a', source: 's', image_tag: '1' } },
            },
            hyperparameters: { compute_multiplier: 2, eval_interval: 3, eval_samples: 'auto', reasoning_effort: 'low' },
            response_format: { type: 'text' },
          },
        },
      },
    ],
  ])('sends %s in the form of the REST API', async (_, members, wire) => {
    await using world = await startCreating();
    expect(await create(world.gateway, { ...INPUT, ...members })).toMatchObject({
      __typename: 'CreateFineTuningJobSuccess',
      fineTuningJob: { id: 'ftjob-new', status: 'VALIDATING_FILES' },
    });
    expect(world.bodies).toEqual([{ ...WIRE, ...wire }]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'createFineTuningJob', viewer: null, role: 'admin', id: 'ftjob-new', outcome: 'Success' },
    ]);
  });

  it('sends nothing for an invalid input, and writes an audit record', async () => {
    await using world = await startCreating();
    const created = await create(world.gateway, { ...INPUT, trainingFileId: '../files', extra: { model: 'x' } });
    expect(created).toMatchObject({ __typename: 'InvalidInputError', code: 'BAD_USER_INPUT' });
    expect(created.issues).toEqual([
      {
        path: ['trainingFileId'],
        message: 'contains a dot segment ("." or ".."); expected the id of an uploaded file, such as file-abc123',
      },
      { path: ['extra', 'model'], message: 'is not an extra member; expected it in its own field of the input' },
    ]);
    expect(world.upstream.calls).toEqual([]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([{ outcome: 'InvalidInput' }]);
  });

  it.each([
    [{}, [WIRE]],
    [{ method: {} }, []],
    [{ method: { supervised: {}, dpo: {} } }, []],
    [{ integrations: [{}] }, []],
  ])('accepts exactly one method, and one service per integration: %j', async (members, bodies) => {
    await using world = await startCreating();
    await create(world.gateway, { ...INPUT, ...members }).catch(() => null);
    expect(world.bodies).toEqual(bodies);
  });

  it('fails before any call when the daily quota of the caller is used up', async () => {
    const { file, tokens } = tokenFile({ otto: 'operator', olga: 'operator' });
    await using world = await startSandboxWorld();
    const limits = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, MAX_CREATES_PER_DAY: '2' };
    const gateway = await world.startGateway(limits);
    const outcomes = async (token: string, ...inputs: object[]) => {
      const names = [];
      for (const input of inputs) names.push((await create(gateway, { ...world.input, ...input }, token)).__typename);
      return names.map((name) => name.replace('CreateFineTuningJob', ''));
    };
    const keyed = { idempotencyKey: 'k' };
    // Neither a job that the upstream rejects nor an existing job of a key counts.
    expect(await outcomes(tokens.otto, { modelId: 'none' }, keyed, keyed, {})).toEqual([
      'UpstreamError',
      'Success',
      'Success',
      'Success',
    ]);
    const before = gateway.log.length;
    const failure = await create(gateway, { ...world.input, idempotencyKey: 'l' }, tokens.otto);
    expect(failure).toMatchObject({
      __typename: 'QuotaExceededError',
      code: 'RATE_LIMITED',
      retryAfterSeconds: 86_400,
    });
    const request = gateway.log.slice(before).find(({ upstreamCalls }) => upstreamCalls !== undefined);
    expect(request).toMatchObject({ upstreamCalls: 0 });
    expect(await outcomes(tokens.otto, keyed)).toEqual(['Success']);
    expect(await outcomes(tokens.olga, {}, {}, {})).toEqual(['Success', 'Success', 'QuotaExceededError']);
    world.clock.advance(86_400_000);
    expect(await outcomes(tokens.otto, {})).toEqual(['Success']);
    expect(await world.createdJobs()).toHaveLength(5);
  });

  it('does not retry a request that the upstream did not confirm, and the next list shows the job', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway({ ...UNLIMITED, UPSTREAM_RETRIES: '5' });
    const query = '{ fineTuningJobs(first: 1) { edges { node { trainingFileId } } } }';
    await gateway.query(query);
    world.sandbox.faults.onNext('POST', JOBS, 'cut_before_response');
    expect(await create(gateway, world.input)).toMatchObject({
      __typename: 'OutcomeUnknownError',
      message:
        'The upstream did not confirm that the job was created. Check fineTuningJobs before you retry; with an idempotencyKey a retry is safe.',
    });
    expect(await world.createdJobs()).toHaveLength(1);
    expect((await gateway.query(query)).data).toEqual({
      fineTuningJobs: { edges: [{ node: { trainingFileId: world.input.trainingFileId } }] },
    });
  });

  it('writes the message of an upstream that rejects the job to the log', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const failure = await create(gateway, { ...world.input, modelId: 'no-such-model' });
    expect(failure).toMatchObject({ __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED', upstreamStatus: 400 });
    expect(failure.message).toBe(
      'The upstream rejected the request: Model no-such-model is not available for fine-tuning or does not exist.',
    );
    expect(gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      {
        mutation: 'createFineTuningJob',
        outcome: 'UpstreamFailure',
        detail: 'Model no-such-model is not available for fine-tuning or does not exist.',
        upstreamStatus: 400,
        upstreamRequestId: expect.stringMatching(/^req_/),
      },
    ]);
  });
});

/** Every query field that can show a job. */
const READ = (id: string) => `{
  fineTuningJob(id: "${id}") { id status }
  node(id: "${id}") { id }
  fineTuningJobs(first: 1) { edges { node { id status } } }
  filtered: fineTuningJobs(first: 1, filter: { suffix: "fresh" }) { edges { node { id } } }
}`;
const ALL = 'subscription { anyFineTuningJobStatusChanged { job { id } status previousStatus source } }';
const ONE = (id: string) => `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status source } }`;

/** The next change of a job. */
async function changeOf(stream: SseStream, id: string) {
  for (;;) {
    const { job, ...change } = Object(await stream.result()).data.anyFineTuningJobStatusChanged;
    if (job.id === id) return change;
  }
}

describe('the effect of a mutation', () => {
  it('is in every later response, whatever the caches hold', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway(UNLIMITED);
    const before = await gateway.query(READ('ftjob-none'));
    expect(before.data).toMatchObject({ fineTuningJob: null, filtered: { edges: [] } });
    expect(await gateway.query(READ('ftjob-none'))).toEqual(before);
    const id = String(idOf(await create(gateway, { ...world.input, suffix: 'fresh' })));
    const lists = { fineTuningJobs: { edges: [{ node: { id } }] }, filtered: { edges: [{ node: { id } }] } };
    expect((await gateway.query(READ('ftjob-none'))).data).toMatchObject(lists);
    const job = { id, status: 'VALIDATING_FILES' };
    expect((await gateway.query(READ(id))).data).toMatchObject({ fineTuningJob: job, node: { id }, ...lists });
    const cancel = `mutation { cancelFineTuningJob(input: { jobId: "${id}" }) { __typename } }`;
    expect((await gateway.query(cancel)).data).toMatchObject({
      cancelFineTuningJob: { __typename: 'CancelFineTuningJobSuccess' },
    });
    const cancelled = { id, status: 'CANCELLED' };
    expect((await gateway.query(READ(id))).data).toMatchObject({
      fineTuningJob: cancelled,
      fineTuningJobs: { edges: [{ node: cancelled }] },
    });
  });

  it('is in every list when the job was found after an unconfirmed request', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway(UNLIMITED);
    await gateway.query(READ('ftjob-none'));
    world.sandbox.faults.onNext('POST', JOBS, 'fail_after');
    const id = idOf(await create(gateway, { ...world.input, suffix: 'fresh', idempotencyKey: 'k' }));
    expect((await gateway.query(READ('ftjob-none'))).data).toMatchObject({
      fineTuningJobs: { edges: [{ node: { id } }] },
      filtered: { edges: [{ node: { id } }] },
    });
  });

  it('reaches the subscribers of all jobs and of the job at once', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    await using all = await openSse(gateway.url, { query: ALL });
    await turning(world.clock, 1, all.result()); // The first snapshot: the stream has started.
    const id = String(idOf(await create(gateway, world.input)));
    expect(await changeOf(all, id)).toEqual({
      status: 'VALIDATING_FILES',
      previousStatus: null,
      source: 'MUTATION',
    });
    await using one = await openSse(gateway.url, { query: ONE(id) });
    const next = async () => Object(await turning(world.clock, 1, one.result())).data.fineTuningJobStatusChanged;
    expect(await next()).toEqual({ status: 'VALIDATING_FILES', source: 'SNAPSHOT' });
    await gateway.query(`mutation { cancelFineTuningJob(input: { jobId: "${id}" }) { __typename } }`);
    expect(await next()).toEqual({ status: 'CANCELLED', source: 'MUTATION' });
    expect(await changeOf(all, id)).toEqual({
      status: 'CANCELLED',
      previousStatus: 'VALIDATING_FILES',
      source: 'MUTATION',
    });
  });

  it('reaches subscribers when the job was found after an unconfirmed request', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    await using all = await openSse(gateway.url, { query: ALL });
    await turning(world.clock, 1, all.result());
    world.sandbox.faults.onNext('POST', JOBS, 'cut_before_response');
    const id = String(idOf(await create(gateway, { ...world.input, idempotencyKey: 'k' })));
    expect(await changeOf(all, id)).toEqual({ status: 'VALIDATING_FILES', previousStatus: null, source: 'MUTATION' });
  });

  it.each([
    ['pause', 'RUNNING'],
    ['resume', 'PAUSED'],
  ])('reaches the subscribers of the job at once, by %s', async (mutation, status) => {
    const clock = createTestClock();
    await using gateway = await startGateway({}, clock);
    const { data } = await gateway.query(
      `{ fineTuningJobs(first: 1, filter: { statuses: [${status}] }) { edges { node { id } } } }`,
    );
    const { id } = Object(data).fineTuningJobs.edges[0].node;
    await using one = await openSse(gateway.url, { query: ONE(id) });
    const next = async () => Object(await turning(clock, 1, one.result())).data.fineTuningJobStatusChanged;
    expect(await next()).toEqual({ status, source: 'SNAPSHOT' });
    await gateway.query(`mutation { ${mutation}FineTuningJob(input: { jobId: "${id}" }) { __typename } }`);
    expect(await next()).toMatchObject({ source: 'MUTATION' });
  });
});

it('the cost of createFineTuningJob includes the search for an idempotencyKey', async () => {
  await using world = await startCreating();
  const costOf = async (input: object) => {
    const response = await fetch(world.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: CREATE, variables: { input }, extensions: { cost: true } }),
    });
    return Object(await response.json()).extensions.cost.requested;
  };
  expect(await costOf(INPUT)).toBe(1);
  expect(await costOf({ ...INPUT, idempotencyKey: 'k' })).toBe(23);
});
