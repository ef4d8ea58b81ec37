import { setTimeout as sleep } from 'node:timers/promises';
import type { Arrivals, ClientOrders } from './live-clients.ts';
import type { LiveOrders, Looked } from './live-upstream.ts';
import { type MeasuredProcess, startProcess } from './process.ts';
import { startGateway } from './rows.ts';

/** The server that is measured: ours, or one that is built in the usual way. */
export const serverNames = ['gateway', 'stock yoga'] as const;
export type ServerName = (typeof serverNames)[number];

export interface LiveCase {
  readonly server: ServerName;
  readonly subscribers: number;
  /** How many jobs they follow, each as many of them as any other. */
  readonly jobs: number;
  readonly changes: number;
}

/** Sizes are in MiB of the machine's memory. */
export interface LiveSample {
  /** When all have subscribed and nothing happens. */
  readonly idle: number;
  readonly after: number;
  readonly most: number;
  /** Of each change, from the look that saw it to its first and last delivery; of many jobs the slowest. */
  readonly firstMs: readonly number[];
  readonly lastMs: readonly number[];
  /** While nothing happens, and while one change follows the other. */
  readonly idleCallsPerSecond: number;
  readonly callsPerSecond: number;
  readonly cpuMsPerChange: number;
}

const MIB = 1024 * 1024;
const POLL_INTERVAL_MS = '100';
const OPEN_AT_ONCE = 250;
const IDLE_MS = 3000;

/** What a gateway needs to be told to take so many from one caller. */
const MANY = {
  MAX_CONNECTIONS: '20000',
  MAX_SUBSCRIPTIONS: '20000',
  MAX_SUBSCRIPTIONS_PER_CALLER: '20000',
  POLL_INTERVAL_MS,
};

/** Measures one server once, with an upstream and clients in processes of their own. Rejects when a subscriber is cut off. */
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
    await clients.ask({ open: Math.min(left, OPEN_AT_ONCE) } satisfies ClientOrders);
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
  const { resident, mostResident } = await server.memory();
  return {
    idle: idle / MIB,
    after: resident / MIB,
    most: mostResident / MIB,
    ...times,
    idleCallsPerSecond: quiet,
    callsPerSecond: busy,
    cpuMsPerChange,
  };
}

function startServer(name: ServerName, upstreamUrl: string): Promise<MeasuredProcess> {
  if (name === 'gateway') return startGateway(name, upstreamUrl, MANY);
  const environment = { OPENAI_BASE_URL: upstreamUrl, POLL_INTERVAL_MS };
  return startProcess(name, new URL('./live-stock.ts', import.meta.url), environment);
}

async function deliver(change: number, upstream: MeasuredProcess, clients: MeasuredProcess) {
  await upstream.ask({ change } satisfies LiveOrders);
  const arrivals = (await clients.ask({ change } satisfies ClientOrders)) as Arrivals;
  const looked = (await upstream.ask({ change } satisfies LiveOrders)) as Looked;
  const since = (kind: 'first' | 'last') =>
    Math.max(...arrivals.map((times, job) => times[kind] - (looked[job]?.[change] ?? Number.NaN)));
  return { firstMs: since('first'), lastMs: since('last') };
}

async function callsPerSecond(upstream: MeasuredProcess, act: () => Promise<void>): Promise<number> {
  const calls = () => upstream.ask({}) as Promise<number>; // What `serve` answers.
  const [before, beganAt] = [await calls(), performance.now()];
  await act();
  return ((await calls()) - before) / ((performance.now() - beganAt) / 1000);
}
