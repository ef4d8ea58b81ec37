import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/clock.ts';
import { createMemoryState } from '../../../../src/state/memory/memory-state.ts';
import { createRedisState } from '../../../../src/state/redis/redis-state.ts';
import type { SharedState } from '../../../../src/state/shared-state.ts';
import type { Priority } from '../../../../src/upstream/resilience/call-claims.ts';
import { createCallRateLimiter } from '../../../../src/upstream/resilience/call-rate-limiter.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { until } from '../../../kit/until.ts';

const PER_SECOND = 40;
const scopeSecret = new Uint8Array(32);

/** Opens a state with its server. */
type Open = (opened: AsyncDisposableStack, clock?: Clock) => Promise<SharedState>;

async function openRedisState(opened: AsyncDisposableStack, clock = systemClock): Promise<SharedState> {
  const redis = opened.use(await startRedis());
  const state = createRedisState({ url: redis.url, prefix: 'contract', scopeSecret, clock });
  opened.defer(() => state.dispose());
  await until(() => state.isAvailable);
  return state;
}

/** Makes calls of this priority until the limit has admitted `count`. Resolves to the milliseconds at which each was made. */
async function makeCalls(
  state: SharedState,
  priority: Priority,
  count: number,
  clock = systemClock,
): Promise<number[]> {
  const limiter = createCallRateLimiter(PER_SECOND, clock, state.budget.open);
  const stopped = new AbortController();
  const begun = performance.now();
  const times: number[] = [];
  const run = async () => {
    const turns = { current: [{ priority, owner: priority }], listen() {} };
    while (!stopped.signal.aborted) {
      await limiter.acquire({ turns, signal: stopped.signal, maxWaitMs: Number.POSITIVE_INFINITY });
      times.push(performance.now() - begun);
      if (times.length === count) stopped.abort(new Error('stopped'));
      await sleep(0);
    }
  };
  await Promise.allSettled(Array.from({ length: 60 }, run));
  return times.slice(0, count);
}

const states: readonly (readonly [string, Open])[] = [
  ['memory', async (_, clock = systemClock) => createMemoryState(clock)],
  ...(redisProgram === null ? [] : [['Redis', openRedisState] as const]),
];

describe.each(states)('the budget in %s', (_, open) => {
  it('admits at most the calls of a second, and as many after an idle one', async () => {
    await using opened = new AsyncDisposableStack();
    const state = await open(opened);
    const times = await makeCalls(state, 'query', 3 * PER_SECOND);
    const most = Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + 1000).length));
    expect(most).toBeLessThanOrEqual(2 * PER_SECOND + 2);
    expect(times.at(-1)).toBeGreaterThan(1800); // A burst, and 2 seconds.
  });

  it('gives at most half of the rate to subscriptions', async () => {
    await using opened = new AsyncDisposableStack();
    const state = await open(opened);
    const times = await makeCalls(state, 'poll', 2 * PER_SECOND);
    expect(times.at(-1)).toBeGreaterThan(1800); // A burst, and half of the rate for 2 seconds.
  });

  it('wakes the calls that wait, when time passes while it looks', async () => {
    await using opened = new AsyncDisposableStack();
    let reads = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + ++reads }; // Each read takes a millisecond.
    const calls = makeCalls(await open(opened, clock), 'poll', PER_SECOND, clock);
    expect(await Promise.race([calls.then(({ length }) => length), sleep(20_000, 'stalled')])).toBe(PER_SECOND);
  });

  it('makes a call of a subscription after a query that was granted one has left', async () => {
    await using opened = new AsyncDisposableStack();
    const state = await open(opened);
    const limiter = createCallRateLimiter(2, systemClock, state.budget.open);
    const acquire = async (priority: Priority, { signal }: AbortController) => {
      const turns = { current: [{ priority, owner: priority }], listen() {} };
      await limiter.acquire({ turns, signal, maxWaitMs: Number.POSITIVE_INFINITY });
    };
    const [left, stopped] = [new AbortController(), new AbortController()];
    for (const priority of ['poll', 'poll', 'query'] as const) await acquire(priority, stopped); // Nothing is saved then.
    const query = acquire('query', left).catch(() => 'left');
    await sleep(100); // It has been granted its call, which may be made later.
    left.abort();
    expect(await query).toBe('left');
    const isMade = await Promise.race([acquire('poll', stopped).then(() => true), sleep(20_000, false)]);
    stopped.abort();
    expect(isMade).toBe(true);
  });

  it('blocks the calls that the upstream has refused to a fleet, of this credential only', async () => {
    await using opened = new AsyncDisposableStack();
    const state = await open(opened);
    const { blocks } = state.budget;
    if (!state.watch.isShared) {
      blocks.block('one', 'all', 60_000);
      return expect(blocks.blockedMs('one', true)).toBe(0);
    }
    blocks.block('one', 'changes', 60_000);
    expect(blocks.blockedMs('one', true)).toBeGreaterThan(59_000);
    expect([blocks.blockedMs('one', false), blocks.blockedMs('other', true)]).toEqual([0, 0]);
    blocks.block('one', 'all', 30_000);
    expect(blocks.blockedMs('one', false)).toBeGreaterThan(29_000);
  });

  it('tells a change to no replica that has made it', async () => {
    await using opened = new AsyncDisposableStack();
    const { invalidations } = await open(opened);
    const told: unknown[] = [];
    opened.defer(invalidations.follow({ onInvalidation: (change) => told.push(change), onGap() {} }));
    invalidations.publish({ scope: 'a', noun: 'job', id: 'b' });
    await sleep(300); // Longer than a change needs.
    expect(told).toEqual([]);
  });
});
