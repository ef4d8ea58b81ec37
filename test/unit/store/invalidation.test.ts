import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { NOT_ENDED } from '../../../src/store/cache/freshness.ts';
import type { JobObserved } from '../../../src/store/resources/job.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { readFile } from '../../../src/upstream/resources/file.ts';
import { readJob } from '../../../src/upstream/resources/job.ts';
import { createUpstream, type Upstream } from '../../../src/upstream/upstream.ts';
import { checkpointBody } from '../../kit/bodies/checkpoint.ts';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { modelBody } from '../../kit/bodies/model.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { accessOf, newReadContext } from '../../kit/store/access.ts';

// The clock stands still unless a test advances it: the order within one millisecond counts too.

const access = accessOf({ apiKey: 'one', adminKey: 'admin' });
const other = accessOf({ apiKey: 'two' });
const page = { limit: 10, after: null };
const files = { ...page, purpose: null, order: 'desc' } as const;
const jobOf = (status: string, id = 'ftjob-1') => readJob(jobBody({ id, status }));
const statusNow = async (requester = access) => (await store.jobs.get(requester, 'ftjob-1', newReadContext()))?.status;

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
let store: Store;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  const bounds = { timeoutMs: 5000, connections: 8, retries: 0, maxRps: 100_000 };
  upstream = createUpstream({ baseUrl: new URL(scripted.baseUrl), clock, ...bounds });
  store = storeOf(1000);
  scripted.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
  scripted.onJobs([jobBody({ id: 'ftjob-1', status: 'running' })]);
  scripted.onEvents('ftjob-1', [eventBody('ftevent-1')]);
  scripted.onCheckpoints('ftjob-1', []);
  scripted.onFiles([fileBody('file-1')]);
  scripted.onModels([modelBody('tuned')]);
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

const storeOf = (activeMs: number) =>
  createStore({ upstream, clock, activeMs, settledMs: 300 * activeMs, memoryCache: createMemoryCache(10_000_000) });

describe('the job in the response of a mutation', () => {
  it('replaces the cached job at once, without an upstream call', async () => {
    expect(await statusNow()).toBe('running');
    store.jobs.put(access, jobOf('cancelling'));
    expect(await statusNow()).toBe('cancelling');
    const { items } = await store.jobs.list(access, page, newReadContext());
    expect(items.map(({ value }) => value?.status)).toEqual(['running']); // Read later, so it is newer.
    expect(scripted.calls).toHaveLength(2);
  });

  it.each([1000, 0])(
    'is not replaced by a read that started earlier, which is not joined any more: activeMs %i',
    async (ms) => {
      store = storeOf(ms);
      const gate = scripted.hold();
      const before = statusNow();
      await gate.arrived(1);
      store.jobs.put(access, jobOf('cancelling'));
      scripted.onJob(jobBody({ id: 'ftjob-1', status: 'cancelled' }));
      const after = statusNow();
      if (ms === 0) await gate.arrived(2);
      gate.release();
      expect(await after).toBe(ms === 0 ? 'cancelled' : 'cancelling');
      await before;
      expect(await statusNow()).toBe(ms === 0 ? 'cancelled' : 'cancelling');
    },
  );

  it('is not replaced by a list read that started earlier, and that list is not served later', async () => {
    const gate = scripted.hold();
    const before = store.jobs.list(access, page, newReadContext());
    await gate.arrived(1);
    store.jobs.put(access, jobOf('cancelling'));
    store.jobs.put(access, jobOf('validating_files', 'ftjob-2'));
    const after = store.jobs.list(access, page, newReadContext());
    await gate.arrived(2);
    scripted.onJobs([jobBody({ id: 'ftjob-2' }), jobBody({ id: 'ftjob-1' })]);
    gate.release();
    expect((await before).items.find(({ id }) => id === 'ftjob-1')?.value?.status).toBe('cancelling');
    expect((await after).items.map(({ id }) => id)).toEqual(['ftjob-2', 'ftjob-1']);
    expect((await store.jobs.list(access, page, newReadContext())).items).toHaveLength(2);
    expect(scripted.calls).toHaveLength(2);
  });

  it('replaces a refresh that was answered before it', async () => {
    expect(await statusNow()).toBe('running');
    await store.jobs.refresh(access, 'ftjob-1', { readContext: newReadContext(), cause: 'poll' });
    expect(store.jobs.put(access, jobOf('pausing')).value?.status).toBe('pausing');
    expect(await statusNow()).toBe('pausing');
  });

  it('is replaced by a refresh that started later', async () => {
    store.jobs.put(access, jobOf('pausing'));
    await store.jobs.refresh(access, 'ftjob-1', { readContext: newReadContext(), cause: 'poll' });
    expect(await statusNow()).toBe('running');
  });

  it('does not change a terminal status', async () => {
    store.jobs.put(access, jobOf('succeeded'));
    expect(store.jobs.put(access, jobOf('cancelling')).value?.status).toBe('succeeded');
    expect(await statusNow()).toBe('succeeded');
  });

  it('is passed to listeners with its cause and the previous observation', async () => {
    const observed: JobObserved[] = [];
    store.jobs.onObserved((result) => observed.push(result));
    await statusNow();
    store.jobs.put(access, jobOf('pausing'));
    expect(
      observed.map(({ cause, previous, accepted }) => [cause, previous?.value?.status, accepted.value?.status]),
    ).toEqual([
      ['query', undefined, 'running'],
      ['mutation', 'running', 'pausing'],
    ]);
    expect(observed[1]).toMatchObject({ id: 'ftjob-1', scope: access.scope });
  });

  it('invalidates its events and checkpoints, also those in flight, and those of no other job', async () => {
    scripted.onEvents('ftjob-2', []);
    const head = async (id = 'ftjob-1') => (await store.events.head(access, id, 10, newReadContext())).items.length;
    const checkpoints = async () =>
      (await store.checkpoints.list(access, 'ftjob-1', page, newReadContext())).items.length;
    expect([await head(), await head('ftjob-2'), await checkpoints()]).toEqual([1, 0, 0]);
    store.jobs.put(access, jobOf('paused'));
    scripted.onEvents('ftjob-1', [eventBody('ftevent-2'), eventBody('ftevent-1')]);
    scripted.onEvents('ftjob-2', [eventBody('ftevent-3')]);
    scripted.onCheckpoints('ftjob-1', [checkpointBody('ftckpt_1')]);
    expect([await head(), await head('ftjob-2'), await checkpoints()]).toEqual([2, 0, 1]);
    const gate = scripted.hold();
    clock.advance(1001);
    const before = [head(), checkpoints()];
    await gate.arrived(2);
    store.jobs.put(access, jobOf('running'));
    const after = [head(), checkpoints()];
    await gate.arrived(4);
    gate.release();
    await Promise.all([...before, ...after]);
  });

  it('invalidates responses, even twice within one millisecond, and those of no other scope', () => {
    const generations = [store.jobs.invalidation.responseGeneration(access)];
    for (const status of ['pausing', 'paused']) {
      store.jobs.put(access, jobOf(status));
      generations.push(store.jobs.invalidation.responseGeneration(access));
    }
    expect(new Set(generations).size).toBe(3);
    expect(store.jobs.invalidation.responseGeneration(other)).toBe(generations[0]);
  });

  it('is not visible in another scope', async () => {
    expect(await statusNow(other)).toBe('running');
    store.jobs.put(access, jobOf('cancelling'));
    expect(await statusNow(other)).toBe('running');
    expect(scripted.calls).toHaveLength(1);
  });
});

describe.each([
  [
    'file',
    () => store.files,
    'file-1',
    () => store.files.list(access, files, newReadContext()).then(({ items }) => items),
  ],
  ['model', () => store.models, 'tuned', () => store.models.list(access, newReadContext())],
] as const)('a deleted %s', (_, entities, id, list) => {
  const get = () => entities().get(access, id, NOT_ENDED, newReadContext());

  it('is gone at once: from the cache, from lists and from responses', async () => {
    expect([await get(), (await list()).length]).toEqual([expect.objectContaining({ id }), 1]);
    const generation = store.jobs.invalidation.responseGeneration(access);
    entities().put(access, id, null);
    scripted.onFiles([]);
    scripted.onModels([]);
    expect([await get(), (await list()).length]).toEqual([null, 0]);
    expect(entities().getSettled(access, id)).toBeUndefined();
    expect(store.kindOf(access, id)).toBeUndefined();
    expect(store.jobs.invalidation.responseGeneration(access)).toBeGreaterThan(generation);
  });

  it('is not restored by reads that started earlier', async () => {
    const gate = scripted.hold();
    const before = [get(), list()];
    await gate.arrived(2);
    entities().put(access, id, null);
    const listing = list();
    await gate.arrived(3);
    scripted.onFiles([]);
    scripted.onModels([]);
    gate.release();
    await Promise.all(before);
    expect([await get(), (await listing).length, (await list()).length]).toEqual([null, 0, 0]);
  });
});

describe('a file', () => {
  it('is available at once after its upload, also in lists', async () => {
    expect((await store.files.list(access, files, newReadContext())).items).toHaveLength(1);
    store.files.put(access, 'file-2', readFile(fileBody('file-2')));
    scripted.onFiles([fileBody('file-2'), fileBody('file-1')]);
    expect((await store.files.list(access, files, newReadContext())).items).toHaveLength(2);
    const calls = scripted.calls.length;
    expect(await store.files.get(access, 'file-2', NOT_ENDED, newReadContext())).toMatchObject({ id: 'file-2' });
    expect(scripted.calls).toHaveLength(calls);
  });

  it('loses its cached loss curve when it is deleted', async () => {
    const curve = () => store.contents.results(access, 'file-1', NOT_ENDED, newReadContext());
    scripted.onContent('file-1', 'step,train_loss\n1,0.5\n');
    expect(await curve()).not.toBeNull();
    store.files.put(access, 'file-1', null);
    expect(await curve()).toBeNull();
  });
});

describe('permissions', () => {
  const list = async (model = 'm') =>
    (await store.permissions.list(access, model, page, newReadContext())).items.length;
  const permission = { id: 'cp_1', created_at: 1, project_id: 'proj_1' };

  it('are cached, and read again after a change, also when a read is in flight', async () => {
    scripted.on('/fine_tuning/checkpoints/m/permissions', { data: [permission], has_more: false });
    scripted.on('/fine_tuning/checkpoints/n/permissions', { data: [], has_more: false });
    expect([await list(), await list(), await list('n')]).toEqual([1, 1, 0]);
    expect(scripted.calls).toHaveLength(2);
    store.permissions.markStale(access, 'm');
    const gate = scripted.hold();
    const before = list();
    await gate.arrived(1);
    store.permissions.markStale(access, 'm');
    const after = list();
    await gate.arrived(2);
    scripted.on('/fine_tuning/checkpoints/m/permissions', { data: [], has_more: false });
    gate.release();
    expect([await after, await list('n')]).toEqual([0, 0]);
    await before;
    expect(await list()).toBe(0);
    expect(scripted.calls).toHaveLength(4);
  });
});
