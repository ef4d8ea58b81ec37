import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { startBenchRedis } from './bench-redis.ts';
import type { Arrivals, ClientCommand } from './live-clients.ts';
import { startMany } from './live-run.ts';
import type { LiveCommand, ReadTimes } from './live-upstream.ts';
import type { MeasuredProcess } from './process.ts';
import { startProcess } from './process.ts';

export interface FleetCase {
  readonly replicas: number;
  readonly subscribers: number;
  readonly changes: number;
}

/** The measurement of one fleet, whose subscribers all follow one job. */
export interface FleetSample {
  readonly idleCallsPerSecond: number;
  /** From the upstream response with a change to the first and the last subscriber, over all replicas. */
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
  readonly redisCommandsPerChange: number;
  /** CPU of each replica. */
  readonly cpuMsPerChange: readonly number[];
  /** From the kill of a replica to the next poll without it, the longest of all replicas; null with one replica. */
  readonly takeoverMs: number | null;
}

const IDLE_MS = 3000;
const MAX_TAKEOVER_MS = 20_000;
/** Nothing is asked for so long where a replica is idle: the interval of polls, and some time. */
const QUIET_MS = 50;

/** Measures a fleet, with a Redis, an upstream and clients in processes of their own. */
export async function measureFleet(fleet: FleetCase, signal: AbortSignal): Promise<FleetSample> {
  await using opened = new AsyncDisposableStack();
  const start = async (program: string, environment: Record<string, string>) =>
    opened.use(await startProcess(program, new URL(`./live-${program}.ts`, import.meta.url), environment));
  const redis = await startBenchRedis(opened);
  const upstream = await start('upstream', { JOBS: '1' });
  const FLEET_SECRET = crypto.randomUUID();
  const settings = { REDIS_URL: redis.url, FLEET_SECRET, OPENAI_API_KEY: 'bench-key-of-the-fleet' };
  const gateways: MeasuredProcess[] = [];
  const clients: MeasuredProcess[] = [];
  for (let index = 0; index < fleet.replicas; index++) {
    const gateway = opened.use(await startMany(upstream.url, settings));
    gateways.push(gateway);
    clients.push(await start('clients', { JOBS: '1', URL: gateway.url }));
  }
  const open = Math.ceil(fleet.subscribers / fleet.replicas);
  for (const client of clients) await client.send({ open } satisfies ClientCommand);
  await sleep(IDLE_MS, undefined, { signal });
  const calls = () => upstream.send({}) as Promise<number>; // The reply of `serve`.
  const callsBefore = await calls();
  await sleep(IDLE_MS, undefined, { signal });
  const idleCallsPerSecond = ((await calls()) - callsBefore) / (IDLE_MS / 1000);

  const commandsBefore = await commandsOf(redis.client);
  const cpuBefore = await Promise.all(gateways.map((gateway) => gateway.cpuSeconds()));
  const times = { firstMs: [] as number[], lastMs: [] as number[] };
  for (let change = 1; change <= fleet.changes; change++) {
    signal.throwIfAborted();
    const { firstMs, lastMs } = await deliver(change, upstream, clients);
    times.firstMs.push(firstMs);
    times.lastMs.push(lastMs);
  }
  const cpuAfter = await Promise.all(gateways.map((gateway) => gateway.cpuSeconds()));
  const commandsAfter = await commandsOf(redis.client);
  const takeoverMs = fleet.replicas === 1 ? null : await killInTurn(gateways, calls, signal);
  return {
    idleCallsPerSecond,
    ...times,
    redisCommandsPerChange: (commandsAfter - commandsBefore) / fleet.changes,
    cpuMsPerChange: cpuAfter.map((cpu, index) => ((cpu - (cpuBefore[index] ?? 0)) * 1000) / fleet.changes),
    takeoverMs,
  };
}

/** Commands that Redis has processed. */
const commandsOf = async (client: Redis) =>
  Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1]);

async function deliver(change: number, upstream: MeasuredProcess, clients: readonly MeasuredProcess[]) {
  await upstream.send({ change } satisfies LiveCommand);
  const all = (await Promise.all(
    clients.map((client) => client.send({ change } satisfies ClientCommand)),
  )) as Arrivals[];
  const readTimes = (await upstream.send({ change } satisfies LiveCommand)) as ReadTimes;
  const readAt = readTimes[0]?.[change] ?? Number.NaN;
  const arrivals = all.flatMap(([job]) => job ?? []);
  return {
    firstMs: Math.min(...arrivals.map(({ first }) => first)) - readAt,
    lastMs: Math.max(...arrivals.map(({ last }) => last)) - readAt,
  };
}

/** Stops all replicas but one, each without a farewell. Returns the longest time without a poll. */
async function killInTurn(
  gateways: readonly MeasuredProcess[],
  calls: () => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  let longest = 0;
  for (const gateway of gateways.slice(0, -1)) {
    await gateway.kill();
    const [killedAt, before] = [performance.now(), await calls()];
    while ((await calls()) === before) {
      signal.throwIfAborted();
      if (performance.now() - killedAt > MAX_TAKEOVER_MS) throw new Error('No replica has taken over the polls.');
      await sleep(QUIET_MS, undefined, { signal });
    }
    longest = Math.max(longest, performance.now() - killedAt);
  }
  return longest;
}
