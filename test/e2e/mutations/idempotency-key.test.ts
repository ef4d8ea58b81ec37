import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Fault, FilterFault } from '../../../src/sandbox/state/faults.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { answer, pager } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { create, idOf, startSite } from '../../kit/mutation/create-job.ts';
import { tokenFile } from '../../kit/process/token.ts';

const JOBS = '/fine_tuning/jobs';
const MINUTE = 60_000;
const KEY = { idempotencyKey: 'nightly-2026-01-01' };
const LAG = { lagsMs: 30_000 };

describe('a job under a key', () => {
  it.each<[string, Fault]>([
    ['in the place of its answer', 'cut_before_answer'],
    ['after the status line', 'cut_after_status'],
    ['in its answer', 'cut_in_answer'],
    ['by a 500 after it was made', 'fail_after'],
  ])('is found when the connection breaks %s, and answered again', async (_, fault) => {
    await using site = await startSite();
    const gateway = await site.open();
    site.sandbox.faults.onNext('POST', JOBS, fault);
    const first = await create(gateway, { ...site.input, ...KEY });
    expect(first.__typename).toBe('CreateFineTuningJobSuccess');
    expect(idOf(await create(gateway, { ...site.input, ...KEY }))).toBe(idOf(first));
    expect(await site.made()).toMatchObject([{ id: idOf(first) }]);
  });

  it.each<[string, Fault]>([
    ['before the request', 'cut_at_once'],
    ['in its body', 'cut_in_body'],
    ['after its body', 'cut_after_body'],
    ['by a 500 before it was made', 'fail_before'],
  ])('is made a minute later, and once, when the connection breaks %s', async (_, fault) => {
    await using site = await startSite();
    const gateway = await site.open();
    const make = () => create(gateway, { ...site.input, ...KEY });
    site.sandbox.faults.onNext('POST', JOBS, fault);
    const unknown = {
      __typename: 'OutcomeUnknownError',
      code: 'OUTCOME_UNKNOWN',
      message: 'Nobody knows whether the job was made: try again under the same idempotencyKey.',
    };
    expect(await make()).toEqual(unknown);
    site.clock.advance(MINUTE - 1);
    expect(await make()).toEqual(unknown);
    expect(await site.made()).toEqual([]);
    site.clock.advance(1);
    const made = await make();
    expect(idOf(await make())).toBe(idOf(made));
    expect(await site.made()).toMatchObject([{ id: idOf(made) }]);
  });

  it('is one for two who ask for it at once, by the same request', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const [one, other] = await Promise.all([1, 2].map(() => create(gateway, { ...site.input, ...KEY })));
    expect(one).toEqual(other);
    expect(await site.made()).toMatchObject([{ id: idOf(one ?? { __typename: '' }) }]);
  });

  it('is a conflict for another request, at once, later and after a restart', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const ask = (seed: number, by: TestGateway = gateway) => create(by, { ...site.input, ...KEY, seed });
    const outcomes = await Promise.all([ask(1), ask(2)]);
    const conflict = { __typename: 'ConflictError', status: 'VALIDATING_FILES', rawStatus: 'validating_files' };
    expect(outcomes).toMatchObject([{ __typename: 'CreateFineTuningJobSuccess' }, conflict]);
    const [made] = outcomes;
    const message = `The job of this idempotencyKey, ${made && idOf(made)}, was asked for by another input.`;
    expect(await ask(2)).toMatchObject({ ...conflict, message });
    expect(await ask(2, await site.open())).toMatchObject({ ...conflict, message });
    expect(await site.made()).toHaveLength(1);
  });

  it('is the same request however it is written', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const metadata = [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ];
    const first = await create(gateway, { ...site.input, ...KEY, metadata, extra: { x: 1, y: 2 }, seed: null });
    const again = { extra: { y: 2, x: 1 }, metadata: metadata.toReversed(), ...KEY, ...site.input };
    expect(idOf(await create(gateway, again))).toBe(idOf(first));
    expect(await site.made()).toHaveLength(1);
  });

  it("is another caller's own under theirs, at once too", async () => {
    const { file, tokens } = tokenFile({ otto: 'operator', olga: 'operator' });
    await using site = await startSite();
    const gateway = await site.open({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const ask = (token: string) => create(gateway, { ...site.input, ...KEY }, token);
    const [one, other] = await Promise.all([ask(tokens.otto), ask(tokens.olga)]);
    expect(await site.made()).toHaveLength(2);
    const restarted = await site.open({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    expect(idOf(await create(restarted, { ...site.input, ...KEY }, tokens.olga))).toBe(idOf(other));
    expect(idOf(await ask(tokens.otto))).toBe(idOf(one));
    expect(await site.made()).toHaveLength(2);
  });

  it('is theirs who bring the key of the upstream: another key, another job', async () => {
    await using site = await startSite();
    const gateway = await site.open({ AUTH: 'passthrough', OPENAI_API_KEY: '' });
    const ask = (key: string) => create(gateway, { ...site.input, ...KEY }, key);
    const [one, other] = [await ask('key-of-one-caller'), await ask('key-of-another')];
    expect(idOf(await ask('key-of-one-caller'))).toBe(idOf(one));
    expect(idOf(other)).not.toBe(idOf(one));
    expect(await site.made()).toHaveLength(2);
  });

  it.each<[string, FilterFault]>([
    ['filters', 'none'],
    ['ignores the filter', 'ignored'],
    ['filters 30 s late', LAG],
  ])('is one over a restart between tries, by a server that %s', async (_, filter) => {
    await using site = await startSite();
    site.sandbox.faults.filter = filter;
    site.sandbox.faults.onNext('POST', JOBS, 'cut_before_answer');
    const ask = async () => create(await site.open(), { ...site.input, ...KEY });
    const first = await ask();
    expect(first.__typename).toBe('CreateFineTuningJobSuccess');
    expect(idOf(await ask())).toBe(idOf(first));
    site.clock.advance(LAG.lagsMs);
    expect(idOf(await ask())).toBe(idOf(first));
    expect(await site.made()).toHaveLength(1);
  });

  it('is not made when it cannot be looked for: the answer is why', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    site.sandbox.faults.onNext('GET', JOBS, 'fail_before');
    expect(await create(gateway, { ...site.input, ...KEY })).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_UNAVAILABLE',
      upstreamStatus: 500,
      isRetryable: true,
    });
    expect(await site.made()).toEqual([]);
    expect((await create(gateway, { ...site.input, ...KEY })).__typename).toBe('CreateFineTuningJobSuccess');
  });

  it('that somebody asks for and leaves is made all the same, for the next try', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const leaving = new AbortController();
    const query = `mutation ($input: CreateFineTuningJobInput!) { createFineTuningJob(input: $input) { __typename } }`;
    const asking = gateway.query(query, { input: { ...site.input, ...KEY } }, leaving.signal).catch(() => null);
    await gateway.received(1);
    leaving.abort();
    await asking;
    const made = await create(gateway, { ...site.input, ...KEY });
    expect(await site.made()).toMatchObject([{ id: idOf(made) }]);
  });
});

/** A world whose upstream lists these, whatever it is asked for, and refuses to make anything. */
async function startWith(list: (request: IncomingMessage, response: ServerResponse) => void) {
  const world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  world.upstream.on(JOBS, (request: IncomingMessage, response: ServerResponse) =>
    request.method === 'GET' ? list(request, response) : answer(response, 400, { error: { message: 'no' } }),
  );
  const creates = () => world.upstream.calls.filter(({ method }) => method === 'POST').length;
  return { ...world, creates, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const INPUT = { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1', ...KEY };
const REJECTED = { __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED' };
const jobs = (count: number) => Array.from({ length: count }, (_, index) => jobBody({ id: `ftjob-${index}` }));

it('a create that is refused is one for two who ask for it at once, and another for who asks later', async () => {
  await using world = await startWith(pager([]));
  const ask = () => create(world.gateway, INPUT);
  expect(await Promise.all([ask(), ask()])).toMatchObject([REJECTED, REJECTED]);
  expect(world.creates()).toBe(1);
  expect(await ask()).toMatchObject(REJECTED);
  expect(world.creates()).toBe(2);
});

describe('a server that ignores the filter', () => {
  it.each([0, 250, 1000])('and has %i jobs is looked through, and asked then', async (count) => {
    await using world = await startWith(pager(jobs(count)));
    expect(await create(world.gateway, INPUT)).toMatchObject(REJECTED);
    expect(world.creates()).toBe(1);
    expect(world.upstream.calls.length - 1).toBe(count === 0 ? 2 : Math.ceil(count / 100));
  });

  it('and has more than can be looked through is not asked: the answer says so', async () => {
    await using world = await startWith(pager(jobs(1001)));
    expect(await create(world.gateway, INPUT)).toMatchObject({
      __typename: 'UpstreamError',
      code: 'UPSTREAM_UNSUPPORTED',
      message: expect.stringContaining('has more than 1000 of them'),
      isRetryable: false,
    });
    expect(world.upstream.calls).toHaveLength(10);
    expect(world.creates()).toBe(0);
  });

  it('and gives the same page for ever is not asked', async () => {
    const data = jobs(100);
    await using world = await startWith((_, response) => answer(response, 200, { data, has_more: true }));
    expect(await create(world.gateway, INPUT)).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE' });
    expect(world.upstream.calls.length).toBeLessThanOrEqual(2);
    expect(world.creates()).toBe(0);
  });

  it('and gives what cannot be read, which may be that job, is not asked', async () => {
    await using world = await startWith((_, response) => answer(response, 200, { data: [{ id: 'ftjob-1' }] }));
    expect(await create(world.gateway, INPUT)).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE' });
    expect(world.creates()).toBe(0);
  });
});

it('a job that was deleted since is a conflict, and not made again', async () => {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on', CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' });
  world.upstream.on(JOBS, ({ method }: IncomingMessage, response: ServerResponse) =>
    answer(response, 200, method === 'GET' ? { data: [] } : jobBody({ id: 'ftjob-1' })),
  );
  expect(idOf(await create(world.gateway, INPUT))).toBe('ftjob-1');
  expect(await create(world.gateway, INPUT)).toMatchObject({
    __typename: 'ConflictError',
    message: 'The job of this idempotencyKey, ftjob-1, is deleted.',
    status: 'UNKNOWN',
    rawStatus: 'deleted',
  });
  expect(world.upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

it('a server that keeps no metadata still makes one job for a key, as long as the process remembers it', async () => {
  await using world = await startWorld({ ALLOW_MUTATIONS: 'on' });
  const job = jobBody({ id: 'ftjob-1', metadata: undefined });
  world.upstream.onJob(job);
  world.upstream.on(JOBS, ({ method }: IncomingMessage, response: ServerResponse) =>
    answer(response, 200, method === 'GET' ? { data: [job] } : job),
  );
  for (let time = 0; time < 2; time++) expect(idOf(await create(world.gateway, INPUT))).toBe('ftjob-1');
  world.clock.advance(600_000);
  expect(await create(world.gateway, { ...INPUT, seed: 1 })).toMatchObject({ __typename: 'ConflictError' });
  expect(world.upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

describe('the pairs that the gateway puts into the metadata of a job', () => {
  it('are upstream, without the key, and shown nowhere', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    const plain = await create(gateway, { ...site.input, ...KEY });
    const metadata = [{ key: 'team', value: 'a' }];
    const paired = await create(gateway, { ...site.input, idempotencyKey: 'other', metadata });
    const upstream = await site.made();
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

  it('are in the metadata of Azure, too', async () => {
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

  it('find no job, and can be given to none', async () => {
    await using site = await startSite();
    const gateway = await site.open();
    await create(gateway, { ...site.input, ...KEY });
    const [job] = await site.made();
    const pairs = Object.entries(Object(job?.['metadata']) as Record<string, string>).map(([key, value]) => ({
      key,
      value,
    }));
    expect(pairs).toHaveLength(2);
    for (const [place, pair] of pairs.entries()) {
      const filter = { metadata: [{ key: 'team', value: 'a' }, pair] };
      const query =
        'query ($filter: FineTuningJobFilter) { fineTuningJobs(filter: $filter) { edges { node { id } } } }';
      expect((await gateway.query(query, { filter })).errors).toMatchObject([
        {
          message: "filter.metadata[1].key: expected a key that is not the gateway's own.",
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ]);
      expect(await create(gateway, { ...site.input, metadata: pairs })).toMatchObject({
        issues: expect.arrayContaining([
          {
            path: ['metadata', String(place), 'key'],
            message: "expected another key, as this one is the gateway's own",
          },
        ]),
      });
    }
    expect(await site.made()).toHaveLength(1);
  });
});
