import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { NOT_ENDED } from '../../../src/store/cache/freshness.ts';
import { type Access, createAccessFactory } from '../../../src/store/cache/scope.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { readFile } from '../../../src/upstream/resources/file.ts';
import { readJob } from '../../../src/upstream/resources/job.ts';
import { createUpstream, type Upstream } from '../../../src/upstream/upstream.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { stepBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { accessOf, newReadContext } from '../../kit/store/access.ts';

const page = { limit: 10, after: null };
const filePage = { ...page, purpose: null, order: 'desc' } as const;
const file = readFile(fileBody('file-1'));

/** One read per kind of cached value. */
const READS: readonly (readonly [
  string,
  (access: Access, readContext?: ReturnType<typeof newReadContext>) => Promise<unknown>,
])[] = [
  ['a job', (access, readContext = newReadContext()) => store.jobs.get(access, 'ftjob-1', readContext)],
  ['a list of jobs', (access, readContext = newReadContext()) => store.jobs.list(access, page, readContext)],
  [
    'the head of an event log',
    (access, readContext = newReadContext()) => store.events.head(access, 'ftjob-1', 10, readContext),
  ],
  [
    'a page of an event log',
    (access, readContext = newReadContext()) =>
      store.events.page(access, 'ftjob-1', { limit: 10, after: 'ftevent-step-15' }, readContext),
  ],
  [
    'checkpoints',
    (access, readContext = newReadContext()) => store.checkpoints.list(access, 'ftjob-1', page, readContext),
  ],
  ['a file', (access, readContext = newReadContext()) => store.files.get(access, 'file-1', NOT_ENDED, readContext)],
  ['a list of files', (access, readContext = newReadContext()) => store.files.list(access, filePage, readContext)],
  ['a model', (access, readContext = newReadContext()) => store.models.get(access, 'gpt-1', NOT_ENDED, readContext)],
  ['the models', (access, readContext = newReadContext()) => store.models.list(access, readContext)],
  [
    'results',
    (access, readContext = newReadContext()) => store.contents.results(access, 'file-result', NOT_ENDED, readContext),
  ],
  ['a preview', (access, readContext = newReadContext()) => store.contents.preview(access, file, 100, readContext)],
];

function scriptAll(): void {
  scripted.onJob(jobBody({ id: 'ftjob-1' }));
  scripted.onJobs([jobBody({ id: 'ftjob-1' })]);
  scripted.onEvents(
    'ftjob-1',
    Array.from({ length: 30 }, (_, index) => stepBody(30 - index, 30)),
  );
  scripted.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1')]);
  scripted.onFiles([fileBody('file-1')]);
  scripted.onModels([modelBody('gpt-1')]);
  scripted.onContent('file-1', 'the first line');
  scripted.onContent('file-result', 'step,train_loss\n1,0.5\n');
}

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
let store: Store;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  upstream = createUpstream({
    baseUrl: new URL(scripted.baseUrl),
    timeoutMs: 5000,
    connections: 8,
    retries: 0,
    maxRps: 100_000,
    clock,
  });
  store = createStore({
    upstream,
    clock,
    activeMs: 1000,
    settledMs: 300_000,
    memoryCache: createMemoryCache(10_000_000),
  });
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

describe('two credentials', () => {
  const pairs = [
    ['keys', { apiKey: 'a' }, { apiKey: 'b' }],
    ['organizations', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', organizationId: 'y' }],
    ['projects', { apiKey: 'a', projectId: 'x' }, { apiKey: 'a', projectId: 'y' }],
    ['members of the same value', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', projectId: 'x' }],
  ] as const;

  it.each(pairs)('with different %s never share a read in flight', async (_, one, other) => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    scripted.onJobs([]);
    const gate = scripted.hold();
    const [a, b] = [accessOf(one), accessOf(other)];
    const reads = [a, a, b, b].flatMap((access) => [
      store.jobs.get(access, 'ftjob-1', newReadContext()),
      store.jobs.list(access, page, newReadContext()),
    ]);
    await gate.arrived(4);
    gate.release();
    await Promise.all(reads);
    expect(scripted.calls).toHaveLength(4);
  });

  it.each(pairs)('with different %s never share a read in flight, of any kind', async (_, one, other) => {
    scriptAll();
    const gate = scripted.hold();
    const [a, b] = [accessOf(one), accessOf(other)];
    const reads = [a, a, b, b].flatMap((access) => READS.map(([, read]) => read(access)));
    await gate.arrived(8); // The size of the socket pool.
    gate.release();
    await Promise.all(reads);
    expect(scripted.calls).toHaveLength(2 * READS.length);
  });

  it.each(READS)('never share a cached value: %s', async (_, read) => {
    scriptAll();
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    await read(mine);
    await read(mine);
    const calls = scripted.calls.length;
    await read(theirs);
    expect(scripted.calls.slice(calls)).toMatchObject([{ authorization: 'Bearer theirs' }]);
  });

  it('never share an event log, for pages and for curves', async () => {
    scriptAll();
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    await store.events.head(mine, 'ftjob-1', 30, newReadContext());
    scripted.onEvents('ftjob-1', []);
    const older = { limit: 5, after: 'ftevent-step-20' };
    expect((await store.events.page(mine, 'ftjob-1', older, newReadContext())).items).toHaveLength(5);
    expect((await store.events.page(theirs, 'ftjob-1', older, newReadContext())).items).toEqual([]);
    const head = () => store.events.head(theirs, 'ftjob-1', 30, newReadContext());
    expect((await store.metrics.curve(theirs, readJob(jobBody()), head, newReadContext())).length).toBe(0);
  });

  it('never share the kind of an id, nor the end of a job', async () => {
    scriptAll();
    scripted.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    scripted.onJobs([jobBody({ id: 'ftjob-1', status: 'succeeded' })]);
    const [mine, theirs] = [accessOf({ apiKey: 'mine' }), accessOf({ apiKey: 'theirs' })];
    for (const [, read] of READS) await read(mine);
    expect(['ftjob-1', 'file-1', 'gpt-1'].map((id) => store.kindOf(mine, id))).toEqual(['job', 'file', 'model']);
    expect(['ftjob-1', 'file-1', 'gpt-1'].map((id) => store.kindOf(theirs, id))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(store.jobs.invalidation.end(mine, 'ftjob-1').endedAt).toBe(clock.now());
    expect(store.jobs.invalidation.end(theirs, 'ftjob-1')).toBe(NOT_ENDED);
    expect(store.jobs.invalidation.end(theirs, 'ftjob-1')).toBe(NOT_ENDED);
  });

  it.each(pairs)('with different %s never share a cached list', async (_, one, other) => {
    scripted.onJobs([jobBody({ id: 'ftjob-1' })]);
    await store.jobs.list(accessOf(one), page, newReadContext());
    scripted.onJobs([]);
    expect((await store.jobs.list(accessOf(other), page, newReadContext())).items).toEqual([]);
    expect(await store.jobs.get(accessOf(other), 'ftjob-1', newReadContext())).toBeNull();
    expect(await store.jobs.get(accessOf(one), 'ftjob-1', newReadContext())).toMatchObject({ id: 'ftjob-1' });
  });

  it('are each sent with their own requests', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await store.jobs.get(accessOf({ apiKey: 'a' }), 'ftjob-1', newReadContext());
    await store.jobs.get(accessOf({ apiKey: 'b' }), 'ftjob-1', newReadContext());
    expect(scripted.calls.map(({ authorization }) => authorization)).toEqual(['Bearer a', 'Bearer b']);
  });

  it('share a scope when they are equal, and the scope does not contain the key', () => {
    const { scope } = accessOf({ apiKey: 'open-sesame' });
    expect(accessOf({ apiKey: 'open-sesame' }).scope).toBe(scope);
    expect(scope).not.toContain('open-sesame');
    expect(createAccessFactory()({ apiKey: 'open-sesame' }).scope).not.toBe(scope);
  });
});

describe('requests that share a read', () => {
  const access = accessOf({ apiKey: 'a' });

  it('count its upstream call for the first of them', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const readContexts = [newReadContext(), newReadContext(), newReadContext()];
    await Promise.all(readContexts.map((readContext) => store.jobs.get(access, 'ftjob-1', readContext)));
    expect(readContexts.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0, 0]);
  });

  it('do not abort it while another request waits, and abort it when the last one is aborted', async () => {
    const gate = scripted.hold();
    const controllers = [new AbortController(), new AbortController()];
    const reads = controllers.map(({ signal }) => store.jobs.get(access, 'ftjob-1', newReadContext(signal)));
    const outcomes = Promise.allSettled(reads);
    await gate.arrived(1);
    controllers[0]?.abort(new Error('first aborted'));
    await expect(reads[0]).rejects.toThrow('first aborted');
    controllers[1]?.abort(new Error('second aborted'));
    await gate.abandoned(1);
    expect(await outcomes).toMatchObject([
      { reason: { message: 'first aborted' } },
      { reason: { message: 'second aborted' } },
    ]);
    gate.release();
  });

  it.each(READS)('abort it only when the last one is aborted: %s', async (_, read) => {
    const gate = scripted.hold();
    const controllers = [new AbortController(), new AbortController()];
    const outcomes = Promise.allSettled(controllers.map(({ signal }) => read(access, newReadContext(signal))));
    await gate.arrived(1);
    controllers[0]?.abort(new Error('first aborted'));
    const third = new AbortController();
    const last = Promise.allSettled([read(access, newReadContext(third.signal))]);
    controllers[1]?.abort(new Error('second aborted'));
    third.abort(new Error('third aborted'));
    await gate.abandoned(1);
    gate.release();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await last).toMatchObject([{ reason: { message: 'third aborted' } }]);
    expect(scripted.calls).toHaveLength(1);
  });

  it.each([
    ['results', (readContext = newReadContext()) => store.contents.results(access, 'file-1', NOT_ENDED, readContext)],
    ['a preview', (readContext = newReadContext()) => store.contents.preview(access, file, 1_000_000, readContext)],
  ])('abort it even while its response is streaming: %s', async (_, read) => {
    const started = Promise.withResolvers<ServerResponse>();
    scripted.on('/files/file-1/content', (_: unknown, response: ServerResponse) => {
      response.writeHead(200);
      response.write('step,train_loss\n1,0.5\n', () => started.resolve(response)); // The stream stays open.
    });
    const controller = new AbortController();
    const reading = read(newReadContext(controller.signal));
    const closed = once(await started.promise, 'close');
    controller.abort(new Error('aborted'));
    await expect(reading).rejects.toThrow('aborted');
    await closed;
  });

  it('start a new read after an aborted one', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = scripted.hold();
    const controller = new AbortController();
    const first = store.jobs.get(access, 'ftjob-1', newReadContext(controller.signal));
    await gate.arrived(1);
    controller.abort(new Error('aborted'));
    const second = store.jobs.get(access, 'ftjob-1', newReadContext());
    await expect(first).rejects.toThrow('aborted');
    await gate.arrived(2);
    gate.release();
    expect(await second).toMatchObject({ id: 'ftjob-1' });
  });

  it('start no read when they are already aborted', async () => {
    await expect(
      store.jobs.get(access, 'ftjob-1', newReadContext(AbortSignal.abort(new Error('aborted')))),
    ).rejects.toThrow('aborted');
    expect(scripted.calls).toEqual([]);
  });
});

describe('the cache', () => {
  const access = accessOf({ apiKey: 'a' });

  it('stores nothing under an invalid id', async () => {
    const small = createStore({
      upstream,
      clock,
      activeMs: 1000,
      settledMs: 0,
      memoryCache: createMemoryCache(100_000),
    });
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await small.jobs.get(access, 'ftjob-1', newReadContext());
    for (let i = 0; i < 20; i++) await small.jobs.get(access, `${i}`.repeat(20_000), newReadContext());
    await small.jobs.get(access, 'ftjob-1', newReadContext());
    expect(scripted.calls).toHaveLength(1);
  });

  it('evicts the least recently used value at its size limit', async () => {
    const small = createStore({
      upstream,
      clock,
      activeMs: 1000,
      settledMs: 0,
      memoryCache: createMemoryCache(50_000),
    });
    const largeJob = (id: string) => jobBody({ id, metadata: { note: 'x'.repeat(8_000) } });
    for (const id of ['1', '2', '3', '4']) {
      scripted.onJob(largeJob(id));
      await small.jobs.get(access, id, newReadContext());
    }
    const calls = scripted.calls.length;
    await small.jobs.get(access, '4', newReadContext());
    expect(scripted.calls).toHaveLength(calls);
    await small.jobs.get(access, '1', newReadContext());
    expect(scripted.calls).toHaveLength(calls + 1);
  });

  it('never exceeds its size limit, for reads of all kinds', async () => {
    const memoryCache = createMemoryCache(30_000);
    const small = createStore({
      upstream,
      clock,
      activeMs: 1000,
      settledMs: 300_000,
      memoryCache,
    });
    scriptAll();
    const readAll = async (id: string) => {
      scripted.onJob(jobBody({ id, metadata: { note: 'x'.repeat(200) } }));
      scripted.onEvents(
        id,
        Array.from({ length: 20 }, (_, index) => stepBody(20 - index, 20)),
      );
      scripted.onCheckpoints(id, [checkpointBody(`ftckpt_${id}`)]);
      scripted.onFile(fileBody(`file-${id}`));
      scripted.onContent(`file-${id}`, 'step,train_loss\n1,0.5\n');
      await small.jobs.get(access, id, newReadContext());
      await small.events.head(access, id, 20, newReadContext());
      await small.checkpoints.list(access, id, page, newReadContext());
      await small.files.get(access, `file-${id}`, NOT_ENDED, newReadContext());
      await small.contents.results(access, `file-${id}`, NOT_ENDED, newReadContext());
    };
    const sizes: number[] = [];
    for (let n = 0; n < 30; n++) {
      await readAll(`ftjob-${n}`);
      sizes.push(memoryCache.bytes);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(30_000);
    expect(sizes.at(-1)).toBeGreaterThan(10_000);
  });

  it('evicts data about a job before the job itself, which decides its freshness', async () => {
    const small = createStore({
      upstream,
      clock,
      activeMs: 1000,
      settledMs: 300_000,
      memoryCache: createMemoryCache(14_200),
    });
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    scripted.onCheckpoints('ftjob-1', []);
    await small.jobs.get(access, 'ftjob-1', newReadContext());
    await small.checkpoints.list(access, 'ftjob-1', page, newReadContext());
    for (let n = 0; n < 5; n++) {
      scripted.onJob(jobBody({ id: `ftjob-other-${n}` }));
      await small.jobs.get(access, `ftjob-other-${n}`, newReadContext());
    }
    const calls = scripted.calls.length;
    await small.jobs.get(access, 'ftjob-1', newReadContext());
    expect(scripted.calls).toHaveLength(calls);
    await small.checkpoints.list(access, 'ftjob-1', page, newReadContext());
    expect(scripted.calls).toHaveLength(calls + 1);
  });

  it('serves a missing content for activeMs, an existing one for settledMs', async () => {
    expect(await store.contents.preview(access, file, 100, newReadContext())).toBeNull();
    scripted.onContent('file-1', 'the first line');
    clock.advance(1000);
    expect(await store.contents.preview(access, file, 100, newReadContext())).toMatchObject({ text: 'the first line' });
    clock.advance(299_999);
    await store.contents.preview(access, file, 100, newReadContext());
    expect(scripted.calls).toHaveLength(2);
  });
});

describe('a model', () => {
  const access = accessOf({ apiKey: 'a' });
  const fresh = () => store.models.getFresh(access, 'gpt-1', NOT_ENDED, newReadContext());

  it('is fresh for settledMs after a list that contains it', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.list(access, newReadContext());
    clock.advance(299_999);
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
    clock.advance(1);
    expect(fresh()).toBeUndefined();
  });

  it('is fresh after its own read when the list is stale', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.list(access, newReadContext());
    clock.advance(300_000);
    await store.models.get(access, 'gpt-1', NOT_ENDED, newReadContext());
    clock.advance(1000);
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
  });

  it('stays cached when a later list lacks it, because some servers omit models', async () => {
    scripted.onModels([modelBody('gpt-1')]);
    await store.models.get(access, 'gpt-1', NOT_ENDED, newReadContext());
    clock.advance(1000);
    scripted.onModels([]);
    await store.models.list(access, newReadContext());
    expect(fresh()).toMatchObject({ id: 'gpt-1' });
    expect(store.kindOf(access, 'gpt-1')).toBe('model');
  });
});

describe('a job that was marked as stale', () => {
  const access = accessOf({ apiKey: 'one' });
  const other = accessOf({ apiKey: 'two' });
  const targets = () => scripted.calls.map(({ target }) => target.split('?')[0]);

  it('is read again in every scope, and no other job is', async () => {
    scriptAll();
    scripted.onJob(jobBody({ id: 'ftjob-2' }));
    for (const each of [access, other]) await store.jobs.get(each, 'ftjob-1', newReadContext());
    await store.jobs.get(access, 'ftjob-2', newReadContext());
    clock.advance(1);
    store.jobs.invalidation.markStaleEverywhere('ftjob-1');
    for (const each of [access, other]) await store.jobs.get(each, 'ftjob-1', newReadContext());
    await store.jobs.get(access, 'ftjob-2', newReadContext());
    expect(targets().filter((target) => target === '/fine_tuning/jobs/ftjob-1')).toHaveLength(4);
    expect(targets().filter((target) => target === '/fine_tuning/jobs/ftjob-2')).toHaveLength(1);
  });

  it('is fresh again after one read, and so is a list', async () => {
    scriptAll();
    store.jobs.invalidation.markStaleEverywhere('ftjob-1');
    for (let count = 0; count < 2; count++) await store.jobs.get(access, 'ftjob-1', newReadContext());
    for (let count = 0; count < 2; count++) await store.jobs.list(access, page, newReadContext());
    expect(scripted.calls).toHaveLength(2);
  });

  it('is read again although it was settled', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', finished_at: 1 }));
    await store.jobs.get(access, 'ftjob-1', newReadContext());
    clock.advance(1);
    store.jobs.invalidation.markStaleEverywhere('ftjob-1');
    await store.jobs.get(access, 'ftjob-1', newReadContext());
    expect(scripted.calls).toHaveLength(2);
  });

  it('invalidates the lists and responses read before', async () => {
    scriptAll();
    await store.jobs.list(access, page, newReadContext());
    const generation = store.jobs.invalidation.responseGeneration(access);
    store.jobs.invalidation.markStaleEverywhere('ftjob-1');
    expect(store.jobs.invalidation.responseGeneration(access)).toBeGreaterThan(generation);
    await store.jobs.list(access, page, newReadContext());
    expect(scripted.calls).toHaveLength(2);
  });

  it('makes a response uncacheable that was in progress', async () => {
    scriptAll();
    const readContext = newReadContext();
    const gate = scripted.hold();
    const reading = store.jobs.get(access, 'ftjob-1', readContext);
    await gate.arrived(1);
    clock.advance(1);
    store.jobs.invalidation.markStaleEverywhere('ftjob-1');
    gate.release();
    await reading;
    expect(readContext.freshUntil).toBe(Number.NEGATIVE_INFINITY);
    await store.jobs.get(access, 'ftjob-1', newReadContext());
    expect(scripted.calls).toHaveLength(2);
  });
});
