import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Fault, FilterFault } from '../../../src/sandbox/state/faults.ts';
import { generateToken } from '../../../src/server/auth/token.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { pager, writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { create, idOf, startSandboxWorld } from '../../kit/mutation/create-job.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';

const JOBS = '/fine_tuning/jobs';
const MINUTE = 60_000;
const KEY = { idempotencyKey: 'nightly-2026-01-01' };
const LAG = { lagsMs: 30_000 };

describe('a job with an idempotency key', () => {
  it.each<[string, Fault]>([
    ['instead of the response', 'cut_before_response'],
    ['after the status line', 'cut_after_status'],
    ['in the response', 'cut_in_response'],
    ['with a 500 after the job was created', 'fail_after'],
  ])('is found and returned when the request fails %s', async (_, fault) => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    world.sandbox.faults.onNext('POST', JOBS, fault);
    const first = await create(gateway, { ...world.input, ...KEY });
    expect(first.__typename).toBe('CreateFineTuningJobSuccess');
    expect(idOf(await create(gateway, { ...world.input, ...KEY }))).toBe(idOf(first));
    expect(await world.createdJobs()).toMatchObject([{ id: idOf(first) }]);
  });

  it.each<[string, Fault]>([
    ['before the request', 'cut_at_once'],
    ['in the body of the request', 'cut_in_body'],
    ['after the body of the request', 'cut_after_body'],
    ['with a 500 before the job was created', 'fail_before'],
  ])('is created once by a retry from one minute later when the request fails %s', async (_, fault) => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const tryCreate = () => create(gateway, { ...world.input, ...KEY });
    world.sandbox.faults.onNext('POST', JOBS, fault);
    const unknown = {
      __typename: 'OutcomeUnknownError',
      code: 'OUTCOME_UNKNOWN',
      message:
        'The upstream did not confirm that the job was created. Retry with the same idempotencyKey: it returns the job if it exists, or creates it from one minute later.',
    };
    expect(await tryCreate()).toEqual(unknown);
    world.clock.advance(MINUTE - 1);
    expect(await tryCreate()).toEqual(unknown);
    expect(await world.createdJobs()).toEqual([]);
    world.clock.advance(1);
    const created = await tryCreate();
    expect(idOf(await tryCreate())).toBe(idOf(created));
    expect(await world.createdJobs()).toMatchObject([{ id: idOf(created) }]);
  });

  it('is created once by two equal requests at once', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const [one, other] = await Promise.all([1, 2].map(() => create(gateway, { ...world.input, ...KEY })));
    expect(one).toEqual(other);
    expect(await world.createdJobs()).toMatchObject([{ id: idOf(one ?? { __typename: '' }) }]);
  });

  it('is a conflict for another input, at once, later and after a restart', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const createWith = (seed: number, target: TestGateway = gateway) =>
      create(target, { ...world.input, ...KEY, seed });
    const outcomes = await Promise.all([createWith(1), createWith(2)]);
    const conflict = { __typename: 'ConflictError', status: 'VALIDATING_FILES', rawStatus: 'validating_files' };
    expect(outcomes).toMatchObject([{ __typename: 'CreateFineTuningJobSuccess' }, conflict]);
    const [created] = outcomes;
    const message = `idempotencyKey: belongs to the job ${created && idOf(created)}, which was created with another input; use a new key for a new job.`;
    expect(await createWith(2)).toMatchObject({ ...conflict, message });
    expect(await createWith(2, await world.startGateway())).toMatchObject({ ...conflict, message });
    expect(await world.createdJobs()).toHaveLength(1);
  });

  it('is the same for equal inputs, whatever the order of members', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const metadata = [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ];
    const first = await create(gateway, { ...world.input, ...KEY, metadata, extra: { x: 1, y: 2 }, seed: null });
    const again = { extra: { y: 2, x: 1 }, metadata: metadata.toReversed(), ...KEY, ...world.input };
    expect(idOf(await create(gateway, again))).toBe(idOf(first));
    expect(await world.createdJobs()).toHaveLength(1);
  });

  it('is separate for each caller with the same key, also at once', async () => {
    const { file, tokens } = tokenFile({ otto: 'operator', olga: 'operator' });
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const ask = (token: string) => create(gateway, { ...world.input, ...KEY }, token);
    const [one, other] = await Promise.all([ask(tokens.otto), ask(tokens.olga)]);
    expect(await world.createdJobs()).toHaveLength(2);
    const restarted = await world.startGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    expect(idOf(await create(restarted, { ...world.input, ...KEY }, tokens.olga))).toBe(idOf(other));
    expect(idOf(await ask(tokens.otto))).toBe(idOf(one));
    expect(await world.createdJobs()).toHaveLength(2);
  });

  it('is the same for another token of the caller: also at once and after a restart', async () => {
    const list = tokenFile({ otto: 'operator' });
    await using world = await startSandboxWorld();
    const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: list.file };
    const gateway = await world.startGateway(settings);
    const first = await create(gateway, { ...world.input, ...KEY }, list.tokens.otto);
    const token = generateToken();
    list.write(tokenLine('otto', 'admin', token));
    world.clock.advance(1000);
    for (const target of [gateway, await world.startGateway(settings)]) {
      expect(idOf(await create(target, { ...world.input, ...KEY }, token))).toBe(idOf(first));
    }
    expect(await world.createdJobs()).toHaveLength(1);
  });

  it('is separate for a caller who got another name: it is another caller, also after a restart', async () => {
    const list = tokenFile({ otto: 'operator' });
    await using world = await startSandboxWorld();
    const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: list.file };
    const gateway = await world.startGateway(settings);
    const ask = (target = gateway) => create(target, { ...world.input, ...KEY }, list.tokens.otto);
    const first = await ask();
    list.write(tokenLine('ottilie', 'operator', list.tokens.otto));
    world.clock.advance(1000);
    const second = await ask();
    expect(idOf(second)).not.toBe(idOf(first));
    expect(gateway.log).toContainEqual(expect.objectContaining({ level: 40, from: 'otto', to: 'ottilie' }));
    expect(idOf(await ask(await world.startGateway(settings)))).toBe(idOf(second));
    list.write(tokenLine('otto', 'operator', list.tokens.otto));
    world.clock.advance(1000);
    expect(idOf(await ask())).toBe(idOf(first)); // The old name has the old keys.
    expect(await world.createdJobs()).toHaveLength(2);
  });

  it('is separate for each upstream API key', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway({ AUTH: 'passthrough', OPENAI_API_KEY: '' });
    const ask = (key: string) => create(gateway, { ...world.input, ...KEY }, key);
    const [one, other] = [await ask('key-of-one-caller'), await ask('key-of-another')];
    expect(idOf(await ask('key-of-one-caller'))).toBe(idOf(one));
    expect(idOf(other)).not.toBe(idOf(one));
    expect(await world.createdJobs()).toHaveLength(2);
  });

  it.each<[string, FilterFault]>([
    ['filters', 'none'],
    ['ignores the filter', 'ignored'],
    ['filters 30 s late', LAG],
  ])('is found after a restart by a retry, toward a server that %s', async (_, filter) => {
    await using world = await startSandboxWorld();
    world.sandbox.faults.filter = filter;
    world.sandbox.faults.onNext('POST', JOBS, 'cut_before_response');
    const ask = async () => create(await world.startGateway(), { ...world.input, ...KEY });
    const first = await ask();
    expect(first.__typename).toBe('CreateFineTuningJobSuccess');
    expect(idOf(await ask())).toBe(idOf(first));
    world.clock.advance(LAG.lagsMs);
    expect(idOf(await ask())).toBe(idOf(first));
    expect(await world.createdJobs()).toHaveLength(1);
  });

  it('is not created when the search for the key fails, and the failure has the reason', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    world.sandbox.faults.onNext('GET', JOBS, 'fail_before');
    expect(await create(gateway, { ...world.input, ...KEY })).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_UNAVAILABLE',
      upstreamStatus: 500,
      isRetryable: true,
    });
    expect(await world.createdJobs()).toEqual([]);
    expect((await create(gateway, { ...world.input, ...KEY })).__typename).toBe('CreateFineTuningJobSuccess');
  });

  it('is created when the client disconnects, for its retry', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const disconnect = new AbortController();
    const query = `mutation ($input: CreateFineTuningJobInput!) { createFineTuningJob(input: $input) { __typename } }`;
    const response = gateway.query(query, { input: { ...world.input, ...KEY } }, disconnect.signal).catch(() => null);
    await gateway.received(1);
    disconnect.abort();
    await response;
    const created = await create(gateway, { ...world.input, ...KEY });
    expect(await world.createdJobs()).toMatchObject([{ id: idOf(created) }]);
  });
});

/** A world whose upstream answers every list request with `list`, and rejects every create. */
async function startWith(list: (request: IncomingMessage, response: ServerResponse) => void) {
  const world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  world.upstream.on(JOBS, (request: IncomingMessage, response: ServerResponse) =>
    request.method === 'GET' ? list(request, response) : writeResponse(response, 400, { error: { message: 'no' } }),
  );
  const creates = () => world.upstream.calls.filter(({ method }) => method === 'POST').length;
  return { ...world, creates, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const INPUT = { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1', ...KEY };
const REJECTED = { __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED' };
const jobs = (count: number) => Array.from({ length: count }, (_, index) => jobBody({ id: `ftjob-${index}` }));

it('two equal requests at once share one rejected create, and a later one is sent again', async () => {
  await using world = await startWith(pager([]));
  const ask = () => create(world.gateway, INPUT);
  expect(await Promise.all([ask(), ask()])).toMatchObject([REJECTED, REJECTED]);
  expect(world.creates()).toBe(1);
  expect(await ask()).toMatchObject(REJECTED);
  expect(world.creates()).toBe(2);
});

describe('a server that ignores the metadata filter', () => {
  it.each([0, 250, 1000])('and has %i jobs is searched, then the job is created', async (count) => {
    await using world = await startWith(pager(jobs(count)));
    expect(await create(world.gateway, INPUT)).toMatchObject(REJECTED);
    expect(world.creates()).toBe(1);
    expect(world.upstream.calls.length - 1).toBe(count === 0 ? 2 : Math.ceil(count / 100));
  });

  it('and has more jobs than the search covers gets no create, and the failure says so', async () => {
    await using world = await startWith(pager(jobs(1001)));
    expect(await create(world.gateway, INPUT)).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_UNSUPPORTED',
      message: expect.stringContaining('has more than 1000 jobs'),
      isRetryable: false,
    });
    expect(world.upstream.calls).toHaveLength(10);
    expect(world.creates()).toBe(0);
  });

  it('and repeats the same page gets no create', async () => {
    const data = jobs(100);
    await using world = await startWith((_, response) => writeResponse(response, 200, { data, has_more: true }));
    expect(await create(world.gateway, INPUT)).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE' });
    expect(world.upstream.calls.length).toBeLessThanOrEqual(2);
    expect(world.creates()).toBe(0);
  });

  it('and returns an invalid job, which may be the one of the key, gets no create', async () => {
    await using world = await startWith((_, response) => writeResponse(response, 200, { data: [{ id: 'ftjob-1' }] }));
    expect(await create(world.gateway, INPUT)).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE' });
    expect(world.creates()).toBe(0);
  });
});

it('a deleted job of a key is a conflict and is not created again', async () => {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on', CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' });
  world.upstream.on(JOBS, ({ method }: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, method === 'GET' ? { data: [] } : jobBody({ id: 'ftjob-1' })),
  );
  expect(idOf(await create(world.gateway, INPUT))).toBe('ftjob-1');
  expect(await create(world.gateway, INPUT)).toMatchObject({
    __typename: 'ConflictError',
    message: 'idempotencyKey: belongs to the job ftjob-1, which was deleted; use a new key.',
    status: 'UNKNOWN',
    rawStatus: 'deleted',
  });
  expect(world.upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

it('toward a server without metadata a key holds as long as the process remembers it', async () => {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  const job = jobBody({ id: 'ftjob-1', metadata: undefined });
  world.upstream.onJob(job);
  world.upstream.on(JOBS, ({ method }: IncomingMessage, response: ServerResponse) =>
    writeResponse(response, 200, method === 'GET' ? { data: [job] } : job),
  );
  for (let time = 0; time < 2; time++) expect(idOf(await create(world.gateway, INPUT))).toBe('ftjob-1');
  world.clock.advance(600_000);
  expect(await create(world.gateway, { ...INPUT, seed: 1 })).toMatchObject({ __typename: 'ConflictError' });
  expect(world.upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

describe('the metadata pairs of the gateway', () => {
  it('are stored upstream without the key, and are hidden from clients', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    const plain = await create(gateway, { ...world.input, ...KEY });
    const metadata = [{ key: 'team', value: 'a' }];
    const paired = await create(gateway, { ...world.input, idempotencyKey: 'other', metadata });
    const upstream = await world.createdJobs();
    expect(upstream.map(({ metadata }) => Object.keys(Object(metadata)).length).sort()).toEqual([2, 3]);
    expect(JSON.stringify(upstream)).not.toContain(KEY.idempotencyKey);
    expect(plain.fineTuningJob).toMatchObject({ metadata: [], raw: { metadata: null } });
    expect(paired.fineTuningJob).toMatchObject({ metadata, raw: { metadata: { team: 'a' } } });
    const { data } = await gateway.query(
      '{ fineTuningJobs(first: 2) { edges { node { metadata { key value } raw } } } }',
    );
    expect(JSON.stringify(data)).not.toMatch(/finetune_gateway/);
    expect(JSON.stringify(data)).toContain('"team"');
    expect(JSON.stringify(gateway.log)).not.toContain(KEY.idempotencyKey);
  });

  it('are stored on Azure too', async () => {
    await using gateway = await startGateway({ SANDBOX_DIALECT: 'azure' }, createTestClock());
    const { data } = await gateway.query(
      '{ files(first: 1, filter: { purpose: FINE_TUNE }) { edges { node { id } } } }',
    );
    const input = { modelId: 'gpt-4o-mini', trainingFileId: Object(data).files.edges[0].node.id, ...KEY };
    const first = await create(gateway, input);
    expect(first.fineTuningJob).toMatchObject({ metadata: [], raw: { metadata: null } });
    expect(idOf(await create(gateway, input))).toBe(idOf(first));
    expect(await create(gateway, { ...input, seed: 1 })).toMatchObject({ __typename: 'ConflictError' });
  });

  it('cannot be used in a filter or in the metadata of a new job', async () => {
    await using world = await startSandboxWorld();
    const gateway = await world.startGateway();
    await create(gateway, { ...world.input, ...KEY });
    const [job] = await world.createdJobs();
    const pairs = Object.entries(Object(job?.['metadata']) as Record<string, string>).map(([key, value]) => ({
      key,
      value,
    }));
    expect(pairs).toHaveLength(2);
    for (const [index, pair] of pairs.entries()) {
      const filter = { metadata: [{ key: 'team', value: 'a' }, pair] };
      const query =
        'query ($filter: FineTuningJobFilter) { fineTuningJobs(filter: $filter) { edges { node { id } } } }';
      expect((await gateway.query(query, { filter })).errors).toMatchObject([
        {
          message: 'filter.metadata[1].key: is reserved for the gateway; expected another key, such as team.',
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ]);
      expect(await create(gateway, { ...world.input, metadata: pairs })).toMatchObject({
        issues: expect.arrayContaining([
          {
            path: ['metadata', String(index), 'key'],
            message: 'is reserved for the gateway; expected another key, such as team',
          },
        ]),
      });
    }
    expect(await world.createdJobs()).toHaveLength(1);
  });
});
