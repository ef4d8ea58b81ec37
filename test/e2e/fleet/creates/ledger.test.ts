import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import type { Ledger, LedgerClaim, Reservation } from '../../../../src/state/ledger.ts';
import { createMemoryState } from '../../../../src/state/memory/memory-state.ts';
import { createRedisState } from '../../../../src/state/redis/redis-state.ts';
import type { SharedState } from '../../../../src/state/shared-state.ts';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { startOldRedis } from '../../../kit/fleet/old-redis.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const LEASE = { leaseMs: 5000, createMs: 5000 };
const SHORT_MS = 30;
const JOB = { jobId: 'ftjob-1', request: 'digest' };

async function openReplica(url: string): Promise<SharedState & AsyncDisposable> {
  const state = createRedisState({ scopeSecret: new Uint8Array(32), url, prefix: 'finetune', clock: systemClock });
  await until(() => state.isAvailable);
  return Object.assign(state, { [Symbol.asyncDispose]: () => state.dispose() });
}

function reservationIn(claim: LedgerClaim): Reservation {
  if (claim.kind !== 'reserved') throw new Error(`expected a reservation, but the key is ${claim.kind}`);
  return claim;
}

const reserve = async (ledger: Ledger, ...keys: string[]) => reservationIn(await ledger.reserve(keys, LEASE));

/** Reserves the key as soon as it is not pending. */
async function reserveLater(ledger: Ledger, key: string): Promise<Reservation> {
  let claim = await ledger.reserve([key], LEASE);
  await untilAsync(async () => {
    if (claim.kind === 'pending') claim = await ledger.reserve([key], LEASE);
    return claim.kind !== 'pending';
  });
  return reservationIn(claim);
}

/** Two users of one ledger: in one process, and in two replicas. */
async function openMemory() {
  const { ledger } = createMemoryState(systemClock);
  return { one: ledger, other: ledger, async [Symbol.asyncDispose]() {} };
}

async function openRedisPair() {
  const redis = await startOldRedis();
  const replicas = [await openReplica(redis.url), await openReplica(redis.url)] as const;
  return {
    one: replicas[0].ledger,
    other: replicas[1].ledger,
    async [Symbol.asyncDispose]() {
      for (const each of [...replicas, redis]) await each[Symbol.asyncDispose]();
    },
  };
}

describe.each([
  { name: 'memory', open: openMemory, isSkipped: false },
  { name: 'Redis', open: openRedisPair, isSkipped: redisProgram === null },
])('the ledger in $name', ({ open, isSkipped }) => {
  const test = it.skipIf(isSkipped);

  test('gives a key to one owner at a time, and to the next when it is free', async () => {
    await using world = await open();
    const first = await reserve(world.one, 'k');
    expect(first.unknown).toBe(null);
    const claim = await world.other.reserve(['k'], LEASE);
    expect(claim.kind).toBe('pending');
    expect(Object(claim).waitMs).toBeGreaterThan(0);
    expect(Object(claim).waitMs).toBeLessThanOrEqual(LEASE.leaseMs);
    first[Symbol.dispose]();
    const next = await reserveLater(world.other, 'k');
    expect(next.unknown).toBe(null);
    expect(await next.begin(LEASE.createMs)).toBe(true);
  });

  test('reserves all keys or none', async () => {
    await using world = await open();
    const first = await reserve(world.one, 'b', 'a');
    expect((await world.other.reserve(['c', 'a'], LEASE)).kind).toBe('pending');
    await reserve(world.other, 'c');
    first[Symbol.dispose]();
    await reserveLater(world.other, 'b');
  });

  test('remembers the job of a key, the first one for ever, and frees the other keys', async () => {
    await using world = await open();
    const first = await reserve(world.one, 'new', 'old');
    expect(await first.begin(LEASE.createMs)).toBe(true);
    first.settle({ kind: 'made', key: 'new', job: JOB });
    first.settle({ kind: 'made', key: 'new', job: { jobId: 'ftjob-2', request: 'other' } });
    first[Symbol.dispose]();
    await untilAsync(async () => (await world.other.reserve(['old', 'new'], LEASE)).kind === 'made');
    expect(await world.other.reserve(['old', 'new'], LEASE)).toEqual({ kind: 'made', key: 'new', job: JOB });
    await reserve(world.other, 'old');
  });

  test('remembers an unknown outcome, also after a search without a result', async () => {
    await using world = await open();
    const first = await reserve(world.one, 'k');
    await first.begin(LEASE.createMs);
    first.settle({ kind: 'unknown', key: 'k' });
    for (let time = 0; time < 2; time++) {
      using next = await reserveLater(world.other, 'k');
      expect(next.unknown).toMatchObject({ isLoss: false });
      expect(next.unknown?.forMs).toBeGreaterThanOrEqual(0);
      expect(next.unknown?.forMs).toBeLessThan(10_000);
    }
    first.settle({ kind: 'made', key: 'k', job: JOB });
    await untilAsync(async () => (await world.other.reserve(['k'], LEASE)).kind === 'made');
  });

  test('counts the outcome of a create as unknown when its time is over, and gives the key to another', async () => {
    await using world = await open();
    const first = await reserve(world.one, 'k');
    await first.begin(SHORT_MS);
    const next = await reserveLater(world.other, 'k');
    expect(next.unknown?.forMs).toBeGreaterThanOrEqual(0);
    expect(await first.begin(SHORT_MS)).toBe(false);
    first[Symbol.dispose]();
    expect((await world.one.reserve(['k'], LEASE)).kind).toBe('pending'); // Only its owner frees it.
    first.settle({ kind: 'made', key: 'k', job: JOB });
    await untilAsync(async () => (await world.other.reserve(['k'], LEASE)).kind === 'made');
  });
});

describe.skipIf(redisProgram === null)('a replica with the ledger in Redis', () => {
  it('keeps the reservation of a live replica that searches for long, and ends that of a dead one', async () => {
    await using redis = await startOldRedis();
    const one = await openReplica(redis.url);
    await using other = await openReplica(redis.url);
    const first = reservationIn(await one.ledger.reserve(['k'], { ...LEASE, leaseMs: 300 }));
    const until = systemClock.now() + 600;
    await untilAsync(async () => {
      expect((await other.ledger.reserve(['k'], LEASE)).kind).toBe('pending');
      return systemClock.now() > until;
    });
    await one.dispose();
    expect((await reserveLater(other.ledger, 'k')).unknown).toBe(null); // It has sent nothing.
    first[Symbol.dispose]();
  });

  it('lets no create begin when data were lost since its reservation', async () => {
    await using redis = await startOldRedis();
    await using one = await openReplica(redis.url);
    const first = await reserve(one.ledger, 'k');
    const dump = await redis.client.dumpBuffer('finetune:create:k');
    await redis.client.flushall();
    expect(await first.begin(LEASE.createMs)).toBe(false);
    await untilAsync(async () => (await redis.client.exists('finetune:epoch')) === 1);
    await redis.client.restore('finetune:create:k', 0, dump ?? ''); // As a log without its tail does.
    expect(await first.begin(LEASE.createMs)).toBe(false);
  });

  it('says after a loss of data that a create of any key can be under way', async () => {
    await using redis = await startOldRedis();
    await using one = await openReplica(redis.url);
    await redis.client.flushall();
    const { unknown } = await reserveLater(one.ledger, 'k');
    expect(unknown?.isLoss).toBe(true);
    expect(unknown?.forMs).toBeLessThan(0);
    expect(unknown?.forMs).toBeGreaterThanOrEqual(-LEASE.createMs);
  });

  it('says so to a replica that is new, too, and after a restart of Redis with its data', async () => {
    await using redis = await startRedis({ isPersistent: true });
    await using _one = await openReplica(redis.url);
    await redis.kill();
    await redis.start();
    await untilAsync(async () => (await redis.client.hexists('finetune:epoch', 'lost')) === 1);
    await using fresh = await openReplica(redis.url);
    expect((await reserveLater(fresh.ledger, 'k')).unknown?.isLoss).toBe(true);
  });

  it('waits in a Redis that is empty at the first start until other replicas could have told of a loss', async () => {
    await using redis = await startRedis();
    await using one = await openReplica(redis.url);
    const claim = await one.ledger.reserve(['k'], LEASE);
    expect(claim.kind).toBe('pending');
    expect(Object(claim).waitMs).toBeLessThanOrEqual(5000);
    expect((await reserveLater(one.ledger, 'k')).unknown).toBe(null);
  });

  it('records an outcome when Redis is back', async () => {
    await using redis = await startOldRedis();
    await using nemesis = await startNemesis(redis.port);
    await using one = await openReplica(nemesis.url);
    await using other = await openReplica(redis.url);
    const first = await reserve(one.ledger, 'k');
    await first.begin(60_000);
    nemesis.mode = 'refuse';
    await until(() => !one.isAvailable);
    first.settle({ kind: 'made', key: 'k', job: JOB });
    expect((await other.ledger.reserve(['k'], LEASE)).kind).toBe('pending');
    expect((await one.ledger.reserve(['k'], LEASE)).kind).toBe('made'); // It knows the job itself.
    nemesis.mode = 'pass';
    await untilAsync(async () => (await other.ledger.reserve(['k'], LEASE)).kind === 'made');
  });

  it('names nothing but digests below the prefix, and each name expires', async () => {
    await using redis = await startOldRedis();
    await using one = await openReplica(redis.url);
    const first = await reserve(one.ledger, 'digest-of-a-key');
    const name = 'finetune:create:digest-of-a-key';
    expect(await redis.client.pttl(name)).toBeGreaterThan(LEASE.leaseMs + 60_000);
    first.settle({ kind: 'made', key: 'digest-of-a-key', job: JOB });
    await untilAsync(async () => (await redis.client.hget(name, 'job')) !== null);
    expect(await redis.client.hgetall(name)).toEqual({ job: JOB.jobId, request: JOB.request });
    expect(await redis.client.pttl(name)).toBeGreaterThan(86_400_000);
  });
});
