import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCaller } from '../../../src/store/flights.ts';
import { createAccessFactory } from '../../../src/store/scope.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { createUpstream, type Upstream } from '../../../src/upstream/upstream.ts';
import { createTestClock, type TestClock } from '../../kit/clock.ts';
import { jobBody } from '../../kit/job.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/upstream.ts';

const accessOf = createAccessFactory();
const page = { limit: 10, after: null };
const newCaller = (signal = new AbortController().signal) => createCaller(signal);

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
let store: Store;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  upstream = createUpstream({ baseUrl: new URL(scripted.baseUrl), timeoutMs: 5000, connections: 8, clock });
  store = createStore({ upstream, clock, activeMs: 1000, settledMs: 300_000, maxBytes: 10_000_000 });
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

describe('two credentials', () => {
  const pairs = [
    ['keys', { apiKey: 'a' }, { apiKey: 'b' }],
    ['organisations', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', organizationId: 'y' }],
    ['projects', { apiKey: 'a', projectId: 'x' }, { apiKey: 'a', projectId: 'y' }],
    ['places of the same words', { apiKey: 'a', organizationId: 'x' }, { apiKey: 'a', projectId: 'x' }],
  ] as const;

  it.each(pairs)('of different %s never share a read under way', async (_, one, other) => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    scripted.onJobs([]);
    const gate = scripted.hold();
    const [a, b] = [accessOf(one), accessOf(other)];
    const reads = [a, a, b, b].flatMap((access) => [
      store.jobs.get(access, 'ftjob-1', newCaller()),
      store.jobs.list(access, page, newCaller()),
    ]);
    await gate.arrived(4);
    gate.release();
    await Promise.all(reads);
    expect(scripted.calls).toHaveLength(4);
  });

  it.each(pairs)('of different %s never share what is kept', async (_, one, other) => {
    scripted.onJobs([jobBody({ id: 'ftjob-1' })]);
    await store.jobs.list(accessOf(one), page, newCaller());
    scripted.onJobs([]);
    expect((await store.jobs.list(accessOf(other), page, newCaller())).items).toEqual([]);
    expect(await store.jobs.get(accessOf(other), 'ftjob-1', newCaller())).toBeNull();
    expect(await store.jobs.get(accessOf(one), 'ftjob-1', newCaller())).toMatchObject({ id: 'ftjob-1' });
  });

  it('are sent each with its own requests', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await store.jobs.get(accessOf({ apiKey: 'a' }), 'ftjob-1', newCaller());
    await store.jobs.get(accessOf({ apiKey: 'b' }), 'ftjob-1', newCaller());
    expect(scripted.calls.map(({ authorization }) => authorization)).toEqual(['Bearer a', 'Bearer b']);
  });

  it('that are equal share a scope, whose name does not give the key away', () => {
    const { scope } = accessOf({ apiKey: 'open-sesame' });
    expect(accessOf({ apiKey: 'open-sesame' }).scope).toBe(scope);
    expect(scope).not.toContain('open-sesame');
    expect(createAccessFactory()({ apiKey: 'open-sesame' }).scope).not.toBe(scope);
  });
});

describe('callers of one read', () => {
  const access = accessOf({ apiKey: 'a' });

  it('charge it to the first of them', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const callers = [newCaller(), newCaller(), newCaller()];
    await Promise.all(callers.map((caller) => store.jobs.get(access, 'ftjob-1', caller)));
    expect(callers.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0, 0]);
  });

  it('leave it running for the others, and abort it when the last has left', async () => {
    const gate = scripted.hold();
    const leaving = [new AbortController(), new AbortController()];
    const reads = leaving.map(({ signal }) => store.jobs.get(access, 'ftjob-1', newCaller(signal)));
    const outcomes = Promise.allSettled(reads);
    await gate.arrived(1);
    leaving[0]?.abort(new Error('first left'));
    await expect(reads[0]).rejects.toThrow('first left');
    leaving[1]?.abort(new Error('second left'));
    await gate.abandoned(1);
    expect(await outcomes).toMatchObject([
      { reason: { message: 'first left' } },
      { reason: { message: 'second left' } },
    ]);
    gate.release();
  });

  it('begin anew behind one that was given up', async () => {
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = scripted.hold();
    const leaving = new AbortController();
    const first = store.jobs.get(access, 'ftjob-1', newCaller(leaving.signal));
    await gate.arrived(1);
    leaving.abort(new Error('left'));
    const second = store.jobs.get(access, 'ftjob-1', newCaller());
    await expect(first).rejects.toThrow('left');
    await gate.arrived(2);
    gate.release();
    expect(await second).toMatchObject({ id: 'ftjob-1' });
  });

  it('that have left already begin nothing', async () => {
    await expect(store.jobs.get(access, 'ftjob-1', newCaller(AbortSignal.abort(new Error('left'))))).rejects.toThrow(
      'left',
    );
    expect(scripted.calls).toEqual([]);
  });
});

describe('what is kept', () => {
  const access = accessOf({ apiKey: 'a' });

  it('does not include what no name can stand for, however much of it is asked for', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 0, maxBytes: 100_000 });
    scripted.onJob(jobBody({ id: 'ftjob-1' }));
    await small.jobs.get(access, 'ftjob-1', newCaller());
    for (let i = 0; i < 20; i++) await small.jobs.get(access, `${i}`.repeat(20_000), newCaller());
    await small.jobs.get(access, 'ftjob-1', newCaller());
    expect(scripted.calls).toHaveLength(1);
  });

  it('is bounded in bytes: the least recently used goes first', async () => {
    const small = createStore({ upstream, clock, activeMs: 1000, settledMs: 0, maxBytes: 50_000 });
    const big = (id: string) => jobBody({ id, metadata: { note: 'x'.repeat(8_000) } });
    for (const id of ['1', '2', '3', '4']) {
      scripted.onJob(big(id));
      await small.jobs.get(access, id, newCaller());
    }
    const calls = scripted.calls.length;
    await small.jobs.get(access, '4', newCaller());
    expect(scripted.calls).toHaveLength(calls);
    await small.jobs.get(access, '1', newCaller());
    expect(scripted.calls).toHaveLength(calls + 1);
  });
});
