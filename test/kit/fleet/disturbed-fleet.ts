import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../process/gateway-process.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type Nemesis, startNemesis } from './nemesis.ts';
import type { RedisServer } from './redis-server.ts';
import { startRedis } from './redis-server.ts';

/** Three processes, each with a nemesis of its own before one Redis. */
export interface DisturbedFleet extends AsyncDisposable {
  readonly urls: readonly string[];
  /** Performs an act. SIGSTOP ends by itself, later than a lease. */
  perform(step: Step): Promise<void>;
  /** Ends what disturbs the fleet. */
  calm(): Promise<void>;
}

export type Act = 'hold' | 'refuse' | 'pass' | 'flush' | 'restart' | 'kill' | 'stop';

export interface Step {
  readonly act: Act;
  readonly replica: number;
  /** Milliseconds until the next one. */
  readonly pauseMs: number;
}

const REPLICAS = 3;
const STEPS = 10;
/** Longer than the lease of the polls. */
const STOP_MS = 10_500;
const ACTS: readonly Act[] = ['hold', 'hold', 'refuse', 'pass', 'pass', 'pass', 'flush', 'restart', 'kill'];

/** One replica is stopped, while others have random trouble. */
export function planSteps(random: (below: number) => number): readonly Step[] {
  const steps = Array.from({ length: STEPS }, (): Step => {
    const act = ACTS[random(ACTS.length)] ?? 'pass';
    return { act, replica: random(REPLICAS), pauseMs: 200 + random(1600) };
  });
  return steps.toSpliced(random(3), 0, { act: 'stop', replica: random(REPLICAS), pauseMs: random(500) });
}

export async function startDisturbedFleet(
  upstreamUrl: string,
  settings: Record<string, string>,
): Promise<DisturbedFleet> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const nemeses: Nemesis[] = [];
  for (let count = 0; count < REPLICAS; count++) nemeses.push(opened.use(await startNemesis(redis.port)));
  const redisUrls = nemeses.map(({ url }) => url);
  const fleet = opened.use(await startFleet(upstreamUrl, redisUrls, settings, REPLICAS));
  const parts = opened.move();
  const stops = new Map<number, Promise<void>>();

  async function stop(replica: number): Promise<void> {
    const { signal } = processOf(fleet, replica);
    signal('SIGSTOP');
    await sleep(STOP_MS); // The time is the act.
    signal('SIGCONT');
    stops.delete(replica);
  }

  async function kill(replica: number): Promise<void> {
    const { signal, ended } = processOf(fleet, replica);
    signal('SIGKILL');
    await ended;
    await fleet.start(replica);
  }

  return {
    urls: fleet.urls,
    async perform({ act, replica, pauseMs }) {
      const nemesis = nemeses[replica] as Nemesis; // Of one of REPLICAS.
      if (act === 'stop') stops.set(replica, stop(replica));
      else if (act === 'kill' && !stops.has(replica)) await kill(replica);
      else if (act === 'flush') await redis.client.flushall();
      else if (act === 'restart') await restart(redis);
      else if (act === 'hold' || act === 'refuse' || act === 'pass') nemesis.mode = act;
      await sleep(pauseMs); // The time is the schedule.
    },
    async calm() {
      for (const nemesis of nemeses) nemesis.mode = 'pass';
      await Promise.all(stops.values());
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(stops.values());
      await parts.disposeAsync();
    },
  };
}

async function restart(redis: RedisServer): Promise<void> {
  await redis.kill();
  await redis.start();
}

const processOf = ({ replicas }: Fleet, index: number) => replicas[index] as GatewayProcess; // Of one of REPLICAS.
