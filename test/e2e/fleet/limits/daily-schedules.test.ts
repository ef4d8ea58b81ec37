import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { FleetUnavailable } from '../../../../src/state/fleet-unavailable.ts';
import { createRedisState } from '../../../../src/state/redis/redis-state.ts';
import type { SharedState } from '../../../../src/state/shared-state.ts';
import { type Nemesis, startNemesis } from '../../../kit/fleet/nemesis.ts';
import { type RedisServer, redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { until } from '../../../kit/until.ts';

const CAP = 8;
/** Fleets that live through the same schedule, each with its own takes. */
const FLEETS = 12;
const REPLICAS = 3;
const STEPS = 14;

/** Numbers from 0 to below 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Fleet {
  readonly replicas: readonly SharedState[];
  /** The functions that give back the units that are taken. */
  readonly refunds: (() => void)[];
  maxUnits: number;
}

/** Takes a unit. Resolves to whether there was one; null when the count was not known. */
async function take({ replicas, refunds }: Fleet, index: number): Promise<boolean | null> {
  try {
    const unit = await replicas[index]?.dailyCounts.take('create', 'a', CAP);
    if (unit?.isTaken) refunds.push(unit.refund);
    return unit?.isTaken ?? null;
  } catch (error) {
    if (error instanceof FleetUnavailable) return null;
    throw error;
  }
}

async function takeAndNote(fleet: Fleet, index: number): Promise<boolean | null> {
  const result = await take(fleet, index);
  fleet.maxUnits = Math.max(fleet.maxUnits, fleet.refunds.length);
  return result;
}

async function disturb(redis: RedisServer, nemeses: readonly Nemesis[], random: () => number): Promise<string> {
  const nemesis = nemeses[Math.floor(random() * nemeses.length)] ?? expect.unreachable();
  const kind = Math.floor(random() * 7);
  if (kind === 0) await redis.client.flushall();
  else if (kind === 1) await redis.client.save();
  else if (kind === 2) {
    await redis.kill(); // Back to the last SAVE, or to nothing.
    await redis.start();
  } else nemesis.mode = (['hold', 'refuse', 'pass', 'pass'] as const)[kind - 3] ?? 'pass';
  return `${['flush', 'save', 'restart'][kind] ?? nemesis.mode} ${nemeses.indexOf(nemesis)}`;
}

describe.skipIf(redisProgram === null)('a daily cap', () => {
  it('is reached, and never exceeded, in a random schedule of partitions, restarts and losses', async () => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
    const random = randomOf(seed);
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedis());
    const nemeses: Nemesis[] = [];
    for (let index = 0; index < REPLICAS; index++) nemeses.push(stack.use(await startNemesis(redis.port)));
    const fleets = Array.from({ length: FLEETS }, (_, number): Fleet => {
      const replicas = nemeses.map(({ url }) =>
        createRedisState({ scopeSecret: new Uint8Array(32), url, prefix: `f${number}`, clock: systemClock }),
      );
      for (const state of replicas) stack.defer(() => state.dispose());
      return { replicas, refunds: [], maxUnits: 0 };
    });
    await until(() => fleets.every(({ replicas }) => replicas.every(({ isAvailable }) => isAvailable)));
    const steps: string[] = [];
    const pending: Promise<unknown>[] = [];
    for (let step = 0; step < STEPS; step++) {
      for (const fleet of fleets) {
        if (random() < 0.5) fleet.refunds.shift()?.();
        for (let index = 0; index < REPLICAS; index++) if (random() < 0.4) pending.push(takeAndNote(fleet, index));
      }
      await setTimeout(random() * 100); // Some units are lost before other replicas read of them.
      for (let count = random() * 3; count > 0; count--) steps.push(await disturb(redis, nemeses, random));
      await setTimeout(random() ** 2 * 2500);
    }
    for (const nemesis of nemeses) nemesis.mode = 'pass';
    await Promise.all(pending);
    await Promise.all(
      fleets.map(async (fleet) => {
        for (let index = 0; ; index++) {
          const result = await takeAndNote(fleet, index % REPLICAS);
          if (result === false && fleet.refunds.length >= CAP) return;
          if (result !== true) await setTimeout(50); // Not known, or a refund has not arrived yet.
        }
      }),
    );
    const message = `SEED=${seed}: ${steps.join(', ')}`;
    expect(
      fleets.map(({ maxUnits }) => maxUnits),
      message,
    ).toEqual(fleets.map(() => CAP));
  });
});
