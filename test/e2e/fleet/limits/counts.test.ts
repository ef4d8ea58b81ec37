import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { createMemoryState } from '../../../../src/state/memory/memory-state.ts';
import type { Opening } from '../../../../src/state/open-counts.ts';
import type { PointsAccount } from '../../../../src/state/points.ts';
import { createRedisState } from '../../../../src/state/redis/redis-state.ts';
import type { SharedState } from '../../../../src/state/shared-state.ts';
import { type RedisServer, redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const KINDS = [
  { kind: 'memory', replicas: 1 },
  { kind: 'Redis, one replica', replicas: 1 },
  { kind: 'Redis, three replicas', replicas: 3 },
].filter(({ kind }) => kind === 'memory' || redisProgram !== null);

let opened: AsyncDisposableStack | undefined;
afterEach(() => opened?.disposeAsync());

/** Returns a function that returns the state of each replica in turn. */
async function openStates({ kind, replicas }: (typeof KINDS)[number]): Promise<() => SharedState> {
  opened = new AsyncDisposableStack();
  const redis = kind === 'memory' ? null : opened.use(await startRedis());
  const states = Array.from({ length: replicas }, () =>
    redis === null ? createMemoryState(systemClock) : connect(redis),
  );
  await until(() => states.every(({ isAvailable }) => isAvailable));
  let turn = 0;
  return () => states[turn++ % replicas] ?? expect.unreachable();
}

function connect({ url }: RedisServer): SharedState {
  const state = createRedisState({ scopeSecret: new Uint8Array(32), url, prefix: 'test', clock: systemClock });
  opened?.defer(() => state.dispose());
  return state;
}

const account = (key: string, max = 10, kind: PointsAccount['kind'] = 'caller'): PointsAccount => ({ kind, key, max });
const times = <T>(count: number, task: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => task(index));

describe.each(KINDS)('daily counts: $kind', (kind) => {
  it('take no more than the limit, whoever takes, and count each caller and operation alone', async () => {
    const next = await openStates(kind);
    const take = async (operation: string, caller: string) =>
      (await next().dailyCounts.take(operation, caller, 5)).isTaken;
    const taken = await Promise.all(times(60, () => take('create', 'a')));
    expect(taken.filter(Boolean)).toHaveLength(5);
    expect(await Promise.all([take('create', 'b'), take('run', 'a')])).toEqual([true, true]);
    await untilAsync(async () => next().dailyCounts.countOf('create', 'a') === 5);
  });

  it('get a unit back once', async () => {
    const next = await openStates(kind);
    const take = async () => await next().dailyCounts.take('create', 'a', 3);
    const [first] = [await take(), await take(), await take()];
    if (!first?.isTaken) return expect.unreachable();
    first.refund();
    first.refund();
    await untilAsync(async () => (await take()).isTaken);
    const refusal = await take();
    expect(refusal).toEqual({ isTaken: false, at: expect.closeTo(Date.now(), -4) });
  });
});

describe.each(KINDS)('points: $kind', (kind) => {
  it('are the same for everybody, and a request that costs too much takes none', async () => {
    const next = await openStates(kind);
    const spend = (points: number) => next().points.consume([account('a')], points);
    expect(await spend(4)).toEqual({ state: expect.objectContaining({ remainingPoints: 6 }), isRejected: false });
    expect(await spend(7)).toMatchObject({ state: { remainingPoints: 6 }, isRejected: true });
    expect(await spend(6)).toMatchObject({ state: { remainingPoints: 0 }, isRejected: false });
    const wait = await next().points.msUntilPoints([account('a')]);
    expect(wait).toBeGreaterThan(50_000);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await next().points.msUntilPoints([account('b')])).toBe(0);
  });

  it('are taken from all accounts or from none', async () => {
    const next = await openStates(kind);
    const accounts = [account('a'), account('address', 5, 'address')] as const;
    expect((await next().points.consume(accounts, 6)).isRejected).toBe(true);
    expect(await next().points.consume([account('a')], 0)).toMatchObject({ state: { remainingPoints: 10 } });
    expect((await next().points.consume(accounts, 5)).isRejected).toBe(false);
    expect(await next().points.consume([account('address', 5, 'address')], 1)).toMatchObject({ isRejected: true });
  });

  it('can be charged beyond the maximum, and moved to another account', async () => {
    const next = await openStates(kind);
    await next().points.consume([account('unverified')], 8);
    await next().points.transfer(account('unverified'), account('a'), 8);
    expect(await next().points.consume([account('unverified')], 0)).toMatchObject({ state: { remainingPoints: 10 } });
    await next().points.charge(account('a'), 5);
    expect(await next().points.consume([account('a')], 1)).toMatchObject({ isRejected: true });
  });
});

describe.each(KINDS)('open counts: $kind', (kind) => {
  it('admit the maximum, and one more when one has ended', async () => {
    const next = await openStates(kind);
    const open = async () => await next().subscriptions.open('a', 3);
    const all = await Promise.all(times(30, open));
    const closers = all.filter((opening): opening is NonNullable<Opening> => opening !== null);
    expect(closers).toHaveLength(3);
    expect(await next().subscriptions.open('b', 3)).not.toBeNull();
    closers[0]?.();
    await untilAsync(async () => (await open()) !== null);
    expect(await open()).toBeNull();
  });
});
