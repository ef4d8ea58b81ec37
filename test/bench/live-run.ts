import { setTimeout as sleep } from 'node:timers/promises';
import type { Arrivals, ClientCommand } from './live-clients.ts';
import type { LiveCommand, ReadTimes } from './live-upstream.ts';
import { type MeasuredProcess, startProcess } from './process.ts';
import { startGateway } from './rows.ts';

/** The measured server: this gateway, or a plain graphql-yoga server. */
export const serverNames = ['gateway', 'stock yoga'] as const;
export type ServerName = (typeof serverNames)[number];

export interface LiveCase {
  readonly server: ServerName;
  readonly subscribers: number;
  /** Number of jobs; each has the same number of subscribers. */
  readonly jobs: number;
  readonly changes: number;
}

/** Sizes are resident memory in MiB. */
export interface LiveSample {
  /** When all have subscribed, without changes. */
  readonly idle: number;
  readonly after: number;
  readonly peak: number;
  /** First and last delivery of each change after the upstream response with it, of the slowest job. */
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
  /** Upstream calls without changes, and during the changes. */
  readonly idleCallsPerSecond: number;
  readonly callsPerSecond: number;
  readonly cpuMsPerChange: number;
}

const MIB = 1024 * 1024;
const POLL_INTERVAL_MS = '100';
const OPEN_AT_ONCE = 250;
const IDLE_MS = 3000;

const MANY = {
  MAX_CONNECTIONS: '20000',
  MAX_SUBSCRIPTIONS: '20000',
  MAX_SUBSCRIPTIONS_PER_CALLER: '20000',
  POLL_INTERVAL_MS,
};

/** Measures one server, with an upstream and clients in processes of their own. Rejects when a subscriber is disconnected. */
export async function measureLive(live: LiveCase, signal: AbortSignal): Promise<LiveSample> {
  await using opened = new AsyncDisposableStack();
  const start = async (program: string, environment: Record<string, string>) =>
    opened.use(await startProcess(program, new URL(`./live-${program}.ts`, import.meta.url), environment));
  const JOBS = String(live.jobs);
  const upstream = await start('upstream', { JOBS });
  const server = opened.use(await startServer(live.server, upstream.url));
  const clients = await start('clients', { JOBS, URL: server.url });
  for (let left = live.subscribers; left > 0; left -= OPEN_AT_ONCE) {
    signal.throwIfAborted();
    await clients.send({ open: Math.min(left, OPEN_AT_ONCE) } satisfies ClientCommand);
  }
  await sleep(IDLE_MS, undefined, { signal });
  const quiet = await callsPerSecond(upstream, () => sleep(IDLE_MS, undefined, { signal }));
  const idle = (await server.memory()).resident;
  const before = await server.cpuSeconds();
  const times = { firstMs: [] as number[], lastMs: [] as number[] };
  const busy = await callsPerSecond(upstream, async () => {
    for (let change = 1; change <= live.changes; change++) {
      signal.throwIfAborted();
      const { firstMs, lastMs } = await deliver(change, upstream, clients);
      times.firstMs.push(firstMs);
      times.lastMs.push(lastMs);
    }
  });
  const cpuMsPerChange = ((await server.cpuSeconds()) - before) * (1000 / live.changes);
  const { resident, maxResident } = await server.memory();
  return {
    idle: idle / MIB,
    after: resident / MIB,
    peak: maxResident / MIB,
    ...times,
    idleCallsPerSecond: quiet,
    callsPerSecond: busy,
    cpuMsPerChange,
  };
}

/** Starts a gateway for many subscriptions of one caller. */
export function startMany(
  upstreamUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<MeasuredProcess> {
  return startGateway('gateway', upstreamUrl, { ...MANY, ...settings });
}

function startServer(name: ServerName, upstreamUrl: string): Promise<MeasuredProcess> {
  if (name === 'gateway') return startMany(upstreamUrl);
  const environment = { OPENAI_BASE_URL: upstreamUrl, POLL_INTERVAL_MS };
  return startProcess(name, new URL('./live-stock.ts', import.meta.url), environment);
}

async function deliver(change: number, upstream: MeasuredProcess, clients: MeasuredProcess) {
  await upstream.send({ change } satisfies LiveCommand);
  const arrivals = (await clients.send({ change } satisfies ClientCommand)) as Arrivals;
  const readTimes = (await upstream.send({ change } satisfies LiveCommand)) as ReadTimes;
  const since = (kind: 'first' | 'last') =>
    Math.max(...arrivals.map((times, job) => times[kind] - (readTimes[job]?.[change] ?? Number.NaN)));
  return { firstMs: since('first'), lastMs: since('last') };
}

async function callsPerSecond(upstream: MeasuredProcess, action: () => Promise<void>): Promise<number> {
  const calls = () => upstream.send({}) as Promise<number>; // The reply of `serve`.
  const [before, startedAt] = [await calls(), performance.now()];
  await action();
  return ((await calls()) - before) / ((performance.now() - startedAt) / 1000);
}
