import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import { accessOf, newCaller } from '../../kit/store/access.ts';

// The clock stands still but where a test turns it: the order of what happens within a millisecond counts too.

const access = accessOf({ apiKey: 'one', adminKey: 'admin' });
const other = accessOf({ apiKey: 'two' });
const page = { limit: 10, after: null };
const files = { ...page, purpose: null, order: 'desc' } as const;
const jobOf = (status: string, id = 'ftjob-1') => readJob(jobBody({ id, status }));
const jobNow = async (who = access) => (await store.jobs.get(who, 'ftjob-1', newCaller()))?.status;

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
  createStore({ upstream, clock, activeMs, settledMs: 300 * activeMs, maxBytes: 10_000_000 });

describe('the job of a mutation', () => {
  it('is seen at once, whatever is kept, and without a call', async () => {
    expect(await jobNow()).toBe('running');
    store.jobs.put(access, jobOf('cancelling'));
    expect(await jobNow()).toBe('cancelling');
    const { items } = await store.jobs.list(access, page, newCaller());
    expect(items.map(({ value }) => value?.status)).toEqual(['running']); // Read after, so it is newer.
    expect(scripted.calls).toHaveLength(2);
  });

  it.each([1000, 0])(
    'is not replaced by a read that began before, which nobody joins any more: caches of %i ms',
    async (ms) => {
      store = storeOf(ms);
      const gate = scripted.hold();
      const before = jobNow();
      await gate.arrived(1);
      store.jobs.put(access, jobOf('cancelling'));
      scripted.onJob(jobBody({ id: 'ftjob-1', status: 'cancelled' }));
      const after = jobNow();
      if (ms === 0) await gate.arrived(2);
      gate.release();
      expect(await after).toBe(ms === 0 ? 'cancelled' : 'cancelling');
      await before;
      expect(await jobNow()).toBe(ms === 0 ? 'cancelled' : 'cancelling');
    },
  );

  it('is not replaced by a list whose reading began before, and that list answers nobody later', async () => {
    const gate = scripted.hold();
    const before = store.jobs.list(access, page, newCaller());
    await gate.arrived(1);
    store.jobs.put(access, jobOf('cancelling'));
    store.jobs.put(access, jobOf('validating_files', 'ftjob-2'));
    const after = store.jobs.list(access, page, newCaller());
    await gate.arrived(2);
    scripted.onJobs([jobBody({ id: 'ftjob-2' }), jobBody({ id: 'ftjob-1' })]);
    gate.release();
    expect((await before).items.find(({ id }) => id === 'ftjob-1')?.value?.status).toBe('cancelling');
    expect((await after).items.map(({ id }) => id)).toEqual(['ftjob-2', 'ftjob-1']);
    expect((await store.jobs.list(access, page, newCaller())).items).toHaveLength(2);
    expect(scripted.calls).toHaveLength(2);
  });

  it('replaces what a look brought that began after the mutation and came before its answer', async () => {
    expect(await jobNow()).toBe('running');
    await store.jobs.refresh(access, 'ftjob-1', { readContext: newCaller(), cause: 'poll' });
    expect(store.jobs.put(access, jobOf('pausing')).value?.status).toBe('pausing');
    expect(await jobNow()).toBe('pausing');
  });

  it('is replaced by what began after', async () => {
    store.jobs.put(access, jobOf('pausing'));
    await store.jobs.refresh(access, 'ftjob-1', { readContext: newCaller(), cause: 'poll' });
    expect(await jobNow()).toBe('running');
  });

  it('does not take a job from its end', async () => {
    store.jobs.put(access, jobOf('succeeded'));
    expect(store.jobs.put(access, jobOf('cancelling')).value?.status).toBe('succeeded');
    expect(await jobNow()).toBe('succeeded');
  });

  it('is told to those who follow, with its cause and what was before', async () => {
    const told: JobObserved[] = [];
    store.jobs.onObserved((sighting) => told.push(sighting));
    await jobNow();
    store.jobs.put(access, jobOf('pausing'));
    expect(
      told.map(({ cause, previous, accepted }) => [cause, previous?.value?.status, accepted.value?.status]),
    ).toEqual([
      ['query', undefined, 'running'],
      ['mutation', 'running', 'pausing'],
    ]);
    expect(told[1]).toMatchObject({ id: 'ftjob-1', scope: access.scope });
  });

  it('puts its events and checkpoints out of date, those under way too, and those of no other job', async () => {
    scripted.onEvents('ftjob-2', []);
    const head = async (id = 'ftjob-1') => (await store.events.head(access, id, 10, newCaller())).items.length;
    const checkpoints = async () => (await store.checkpoints.list(access, 'ftjob-1', page, newCaller())).items.length;
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

  it('puts whole answers out of date, twice within a millisecond too, and those of no other scope', () => {
    const seen = [store.jobs.generation(access)];
    for (const status of ['pausing', 'paused']) {
      store.jobs.put(access, jobOf(status));
      seen.push(store.jobs.generation(access));
    }
    expect(new Set(seen).size).toBe(3);
    expect(store.jobs.generation(other)).toBe(seen[0]);
  });

  it('is none of another scope', async () => {
    expect(await jobNow(other)).toBe('running');
    store.jobs.put(access, jobOf('cancelling'));
    expect(await jobNow(other)).toBe('running');
    expect(scripted.calls).toHaveLength(1);
  });
});

describe.each([
  ['file', () => store.files, 'file-1', () => store.files.list(access, files, newCaller()).then(({ items }) => items)],
  ['model', () => store.models, 'tuned', () => store.models.list(access, newCaller())],
] as const)('a %s that was deleted', (_, part, id, list) => {
  const now = () => part().get(access, id, NOT_ENDED, newCaller());

  it('is gone at once, whatever was kept, and from lists, and from whole answers', async () => {
    expect([await now(), (await list()).length]).toEqual([expect.objectContaining({ id }), 1]);
    const generation = store.jobs.generation(access);
    part().put(access, id, null);
    scripted.onFiles([]);
    scripted.onModels([]);
    expect([await now(), (await list()).length]).toEqual([null, 0]);
    expect(part().getSettled(access, id)).toBeUndefined();
    expect(store.kindOf(access, id)).toBeUndefined();
    expect(store.jobs.generation(access)).toBeGreaterThan(generation);
  });

  it('is not brought back by reads that began before', async () => {
    const gate = scripted.hold();
    const before = [now(), list()];
    await gate.arrived(2);
    part().put(access, id, null);
    const listing = list();
    await gate.arrived(3);
    scripted.onFiles([]);
    scripted.onModels([]);
    gate.release();
    await Promise.all(before);
    expect([await now(), (await listing).length, (await list()).length]).toEqual([null, 0, 0]);
  });
});

describe('a file', () => {
  it('that was uploaded is there at once, and in lists', async () => {
    expect((await store.files.list(access, files, newCaller())).items).toHaveLength(1);
    store.files.put(access, 'file-2', readFile(fileBody('file-2')));
    scripted.onFiles([fileBody('file-2'), fileBody('file-1')]);
    expect((await store.files.list(access, files, newCaller())).items).toHaveLength(2);
    const calls = scripted.calls.length;
    expect(await store.files.get(access, 'file-2', NOT_ENDED, newCaller())).toMatchObject({ id: 'file-2' });
    expect(scripted.calls).toHaveLength(calls);
  });

  it('that was deleted takes its loss curve with it', async () => {
    const curve = () => store.contents.results(access, 'file-1', NOT_ENDED, newCaller());
    scripted.onContent('file-1', 'step,train_loss\n1,0.5\n');
    expect(await curve()).not.toBeNull();
    store.files.put(access, 'file-1', null);
    expect(await curve()).toBeNull();
  });
});

describe('permissions', () => {
  const list = async (model = 'm') => (await store.permissions.list(access, model, page, newCaller())).items.length;
  const permission = { id: 'cp_1', created_at: 1, project_id: 'proj_1' };

  it('are kept for a while, and read anew once they were changed, those under way too', async () => {
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
