import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../kit/client/sse.ts';
import { createTestClock, turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { CREATE, create, idOf, startSite } from '../../kit/mutation/create-job.ts';
import { tokenFile } from '../../kit/process/token.ts';

const JOBS = '/fine_tuning/jobs';
const UNLIMITED = { CACHE_ACTIVE_MS: '60000' };

/** A world whose upstream makes a job of everything, and the bodies that it was sent. */
async function startEager() {
  const world = await startWorld({ ALLOW_MUTATIONS: 'on', ...UNLIMITED });
  const bodies: Record<string, unknown>[] = [];
  world.upstream.on(JOBS, async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return answer(response, 200, { data: [], has_more: false });
    const body = JSON.parse(await text(request));
    bodies.push(body);
    answer(response, 200, jobBody({ id: 'ftjob-new', status: 'validating_files', metadata: body.metadata ?? null }));
  });
  return { ...world, bodies, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const INPUT = { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1' };
const WIRE = { model: 'gpt-4.1-mini', training_file: 'file-1' };
const COMMON = { batchSize: 8, learningRateMultiplier: 1.5, nEpochs: 'auto' };
const WIRE_COMMON = { batch_size: 8, learning_rate_multiplier: 1.5, n_epochs: 'auto' };

describe('a job that is asked for', () => {
  it.each<[string, object, object]>([
    ['no more than a model and a file', {}, {}],
    ['nulls, which are the same', { method: null, seed: null, metadata: null, integrations: null, extra: null }, {}],
    [
      'all members',
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
    ['a method without a choice', { method: { supervised: {} } }, { method: { type: 'supervised', supervised: {} } }],
    [
      'preferences',
      { method: { dpo: { hyperparameters: { ...COMMON, beta: 0.1 } } } },
      { method: { type: 'dpo', dpo: { hyperparameters: { ...WIRE_COMMON, beta: 0.1 } } } },
    ],
    [
      'a grader, and what only its server knows',
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
  ])('with %s is asked for as the API has it', async (_, members, wire) => {
    await using world = await startEager();
    expect(await create(world.gateway, { ...INPUT, ...members })).toMatchObject({
      __typename: 'CreateFineTuningJobSuccess',
      fineTuningJob: { id: 'ftjob-new', status: 'VALIDATING_FILES' },
    });
    expect(world.bodies).toEqual([{ ...WIRE, ...wire }]);
    expect(world.gateway.log.filter(({ msg }) => msg === 'mutation')).toMatchObject([
      { mutation: 'createFineTuningJob', viewer: null, role: 'admin', id: 'ftjob-new', outcome: 'Success' },
    ]);
  });

  it('wrongly is not, and leaves a line in the log all the same', async () => {
    await using world = await startEager();
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
  ])('has exactly one method, and of each integration one kind: %j', async (members, bodies) => {
    await using world = await startEager();
    await create(world.gateway, { ...INPUT, ...members }).catch(() => null);
    expect(world.bodies).toEqual(bodies);
  });

  it('more often than a caller may in a day is refused before any call', async () => {
    const { file, tokens } = tokenFile({ otto: 'operator', olga: 'operator' });
    await using site = await startSite();
    const limits = { AUTH: 'tokens', AUTH_TOKENS_FILE: file, MAX_CREATES_PER_DAY: '2' };
    const gateway = await site.open(limits);
    const kinds = async (token: string, ...inputs: object[]) => {
      const all = [];
      for (const input of inputs) all.push((await create(gateway, { ...site.input, ...input }, token)).__typename);
      return all.map((name) => name.replace('CreateFineTuningJob', ''));
    };
    const keyed = { idempotencyKey: 'k' };
    // What the upstream refuses was not made, and what was made before is not made again.
    expect(await kinds(tokens.otto, { modelId: 'none' }, keyed, keyed, {})).toEqual([
      'UpstreamError',
      'Success',
      'Success',
      'Success',
    ]);
    const before = gateway.log.length;
    const refused = await create(gateway, { ...site.input, idempotencyKey: 'l' }, tokens.otto);
    expect(refused).toMatchObject({
      __typename: 'QuotaExceededError',
      code: 'RATE_LIMITED',
      retryAfterSeconds: 86_400,
    });
    const request = gateway.log.slice(before).find(({ upstreamCalls }) => upstreamCalls !== undefined);
    expect(request).toMatchObject({ upstreamCalls: 0 });
    expect(await kinds(tokens.otto, keyed)).toEqual(['Success']);
    expect(await kinds(tokens.olga, {}, {}, {})).toEqual(['Success', 'Success', 'QuotaExceededError']);
    site.clock.advance(86_400_000);
    expect(await kinds(tokens.otto, {})).toEqual(['Success']);
    expect(await site.made()).toHaveLength(5);
  });

  it('of which the upstream does not say what came of it is not asked for again, and the next list shows it', async () => {
    await using site = await startSite();
    const gateway = await site.open({ ...UNLIMITED, UPSTREAM_RETRIES: '5' });
    const query = '{ fineTuningJobs(first: 1) { edges { node { trainingFileId } } } }';
    await gateway.query(query);
    site.sandbox.faults.onNext('POST', JOBS, 'cut_before_answer');
    expect(await create(gateway, site.input)).toMatchObject({
      __typename: 'OutcomeUnknownError',
      message: 'Nobody knows whether the job was made: look for it before you try again.',
    });
    expect(await site.made()).toHaveLength(1);
    expect((await gateway.query(query)).data).toEqual({
      fineTuningJobs: { edges: [{ node: { trainingFileId: site.input.trainingFileId } }] },
    });
  });

  it('and refused by the upstream leaves in the log what that said', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const refused = await create(gateway, { ...site.input, modelId: 'no-such-model' });
    expect(refused).toMatchObject({ __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED', upstreamStatus: 400 });
    expect(refused.message).toBe(
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

/** Everything that a client can ask about jobs, at once. */
const READ = (id: string) => `{
  fineTuningJob(id: "${id}") { id status }
  node(id: "${id}") { id }
  fineTuningJobs(first: 1) { edges { node { id status } } }
  filtered: fineTuningJobs(first: 1, filter: { suffix: "fresh" }) { edges { node { id } } }
}`;
const ALL = 'subscription { anyFineTuningJobStatusChanged { job { id } status previousStatus source } }';
const ONE = (id: string) => `subscription { fineTuningJobStatusChanged(jobId: "${id}") { status source } }`;

/** The next change of this job. */
async function changeOf(stream: SseStream, id: string) {
  for (;;) {
    const { job, ...change } = Object(await stream.result()).data.anyFineTuningJobStatusChanged;
    if (job.id === id) return change;
  }
}

describe('what a mutation has done', () => {
  it('is in every answer from then on, whatever was kept, and in whole answers too', async () => {
    await using site = await startSite();
    const gateway = await site.open(UNLIMITED);
    const before = await gateway.query(READ('ftjob-none'));
    expect(before.data).toMatchObject({ fineTuningJob: null, filtered: { edges: [] } });
    expect(await gateway.query(READ('ftjob-none'))).toEqual(before);
    const id = String(idOf(await create(gateway, { ...site.input, suffix: 'fresh' })));
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

  it('is in every list also when the job was only found after its create was cut', async () => {
    await using site = await startSite();
    const gateway = await site.open(UNLIMITED);
    await gateway.query(READ('ftjob-none'));
    site.sandbox.faults.onNext('POST', JOBS, 'fail_after');
    const id = idOf(await create(gateway, { ...site.input, suffix: 'fresh', idempotencyKey: 'k' }));
    expect((await gateway.query(READ('ftjob-none'))).data).toMatchObject({
      fineTuningJobs: { edges: [{ node: { id } }] },
      filtered: { edges: [{ node: { id } }] },
    });
  });

  it('reaches who follows all jobs, or this one, at once', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    await using all = await openSse(gateway.url, { query: ALL });
    await turning(site.clock, 1, all.result()); // The first of the present states: from now on it is followed.
    const id = String(idOf(await create(gateway, site.input)));
    expect(await changeOf(all, id)).toEqual({
      status: 'VALIDATING_FILES',
      previousStatus: null,
      source: 'MUTATION',
    });
    await using one = await openSse(gateway.url, { query: ONE(id) });
    const next = async () => Object(await turning(site.clock, 1, one.result())).data.fineTuningJobStatusChanged;
    expect(await next()).toEqual({ status: 'VALIDATING_FILES', source: 'SNAPSHOT' });
    await gateway.query(`mutation { cancelFineTuningJob(input: { jobId: "${id}" }) { __typename } }`);
    expect(await next()).toEqual({ status: 'CANCELLED', source: 'MUTATION' });
    expect(await changeOf(all, id)).toEqual({
      status: 'CANCELLED',
      previousStatus: 'VALIDATING_FILES',
      source: 'MUTATION',
    });
  });

  it('reaches them also when the job was only found after its create was cut', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    await using all = await openSse(gateway.url, { query: ALL });
    await turning(site.clock, 1, all.result());
    site.sandbox.faults.onNext('POST', JOBS, 'cut_before_answer');
    const id = String(idOf(await create(gateway, { ...site.input, idempotencyKey: 'k' })));
    expect(await changeOf(all, id)).toEqual({ status: 'VALIDATING_FILES', previousStatus: null, source: 'MUTATION' });
  });

  it.each([
    ['pause', 'RUNNING'],
    ['resume', 'PAUSED'],
  ])('by %s reaches who follows the job at once', async (mutation, status) => {
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

it('a create is priced by what it may take', async () => {
  await using world = await startEager();
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
