import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Resources } from './meter.ts';
import { median } from './numbers.ts';
import type { MeasuredProcess } from './process.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';
import { warmUp } from './readers.ts';
import { startGateway } from './rows.ts';
import { runClients } from './soak-clients.ts';
import { startUpstream } from './stub.ts';

const help = `Measures the memory of a gateway under mixed load of a faulty upstream, and after it.

Clients: pages of jobs, job details with metrics, new and invalid documents, server-sent events and WebSockets that come and
go, uploads with creates, and clients that disconnect early.

Usage: npm run bench:soak -- [--seconds 240] [--clients 28] [--cache-mb 128] [--docs]

  --seconds   duration of the load
  --clients   number of clients
  --cache-mb  CACHE_MAX_MB of the gateway
  --docs      writes the table into docs/performance.md, too

Exits with 1 when the gateway has grown beyond the limit, when a socket, a timer, a listener or live memory is left, or when
its memory still grows in the second half of a load of 4 minutes or more.
`;

const MIB = 1024 * 1024;
/** Maximum growth of the process over its size at rest, as a multiple of CACHE_MAX_MB. */
const MAX_GROWTH = 2;
/** Growth for requests in progress and the code that they load, in MiB. */
const IN_PROGRESS_MIB = 48;
/** Live bytes beyond those of the caches: compiled code, counters, pools of connections. */
const MAX_OTHER_LIVE_MIB = 48;
const MAX_NUMBER = 99_999;
const IDLE_MS = 6_000;
/** A create whose client has left still waits for its response, at most for UPSTREAM_TIMEOUT_MS. */
const MAX_CLOSING_MS = 40_000;
const SAMPLE_MS = 1_000;
/** Maximum growth of the typical size from the second quarter of the load to the last, and the duration that it needs. */
const MAX_DRIFT = 1.1;
const MIN_DRIFT_SECONDS = 240;

interface Options {
  readonly seconds: number;
  readonly clients: number;
  readonly cacheMb: number;
  readonly docs: boolean;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '240' },
      clients: { type: 'string', default: '28' },
      'cache-mb': { type: 'string', default: '128' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  return {
    seconds: wholeNumber('seconds', values.seconds, MAX_NUMBER),
    clients: wholeNumber('clients', values.clients, MAX_NUMBER),
    cacheMb: wholeNumber('cache-mb', values['cache-mb'], MAX_NUMBER),
    docs: values.docs,
  };
}

/** Sizes in MiB. */
interface SoakResult {
  readonly rest: number;
  readonly peak: number;
  readonly after: number;
  /** Live bytes after the load, beyond those at rest. */
  readonly live: number;
  /** Typical size in the last quarter of the load, divided by that in the second. */
  readonly drift: number;
  /** More than at rest, by kind. */
  readonly left: Resources;
  /** Number of answers by outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
}

async function measure({ seconds, clients, cacheMb }: Options, interruption: AbortSignal): Promise<SoakResult> {
  await using upstream = await startUpstream('upstream', './soak-upstream.ts');
  const settings = { CACHE_MAX_MB: String(cacheMb), ALLOW_MUTATIONS: 'on', MAX_CREATES_PER_DAY: '100000' };
  await using gateway = await startGateway('gateway', upstream.baseUrl, settings, ['--expose-gc']);
  await warmUp(gateway.url).catch(() => {}); // The upstream is faulty.
  await sleep(IDLE_MS, undefined, { signal: interruption });
  const rest = await gateway.memory();
  const restLive = await gateway.memory('collect');
  const restResources = await gateway.resources();
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const signal = AbortSignal.any([interruption, AbortSignal.timeout(seconds * 1_000)]);
  const load = runClients(clients, { url: gateway.url, signal, count });
  const residents: number[] = [];
  for (let second = 0; second < seconds && !interruption.aborted; second++) {
    await sleep(SAMPLE_MS);
    const { resident, used } = await gateway.memory();
    residents.push(resident / MIB);
    if (second % 10 === 9)
      print(`${second + 1} s: resident ${(resident / MIB).toFixed(0)} MiB, used ${(used / MIB).toFixed(0)} MiB`);
  }
  await load;
  await sleep(IDLE_MS, undefined, { signal: interruption });
  const left = await resourcesLeft(gateway, restResources);
  const after = await gateway.memory();
  const afterLive = await gateway.memory('collect');
  return {
    rest: rest.resident / MIB,
    peak: Math.max(...residents),
    after: after.resident / MIB,
    live: (afterLive.used - restLive.used) / MIB,
    drift: driftOf(residents),
    left,
    outcomes,
  };
}

/** What the process holds beyond what it held at rest, as soon as that is nothing, or after MAX_CLOSING_MS. */
async function resourcesLeft(gateway: MeasuredProcess, atRest: Resources): Promise<Resources> {
  const closingUntil = performance.now() + MAX_CLOSING_MS;
  while (true) {
    const now = await gateway.resources();
    const beyond = (kind: keyof Resources) => Math.max(0, now[kind] - atRest[kind]);
    const left = {
      sockets: beyond('sockets'),
      timers: beyond('timers'),
      listeners: beyond('listeners'),
      signalListeners: beyond('signalListeners'),
    };
    if (Object.values(left).every((count) => count === 0) || performance.now() > closingUntil) return left;
    print(`left: ${JSON.stringify(left)}`);
    await sleep(SAMPLE_MS);
  }
}

function driftOf(residents: readonly number[]): number {
  const quarter = Math.floor(residents.length / 4);
  return median(residents.slice(-quarter)) / median(residents.slice(quarter, 2 * quarter));
}

/** Each problem as a line; empty when all is well. */
function problemsOf({ rest, peak, live, drift, left }: SoakResult, { cacheMb, seconds }: Options): string[] {
  const maxPeak = rest + MAX_GROWTH * cacheMb + IN_PROGRESS_MIB;
  const maxLive = cacheMb + MAX_OTHER_LIVE_MIB;
  const isDrifting = seconds >= MIN_DRIFT_SECONDS && drift > MAX_DRIFT;
  return [
    peak > maxPeak && `The process grew to ${peak.toFixed(0)} MiB; expected at most ${maxPeak.toFixed(0)} MiB.`,
    live > maxLive && `${live.toFixed(0)} MiB more are live; expected at most ${maxLive} MiB.`,
    isDrifting && `The process still grew to ${drift.toFixed(2)} times its size; expected at most ${MAX_DRIFT} times.`,
    left.sockets > 0 && `${left.sockets} sockets are left; expected none.`,
    left.timers > 0 && `${left.timers} timers are left; expected none.`,
    left.listeners > 0 && `${left.listeners} listeners of the process or its server are left; expected none.`,
    left.signalListeners > 0 && `${left.signalListeners} listeners of signals are left; expected none.`,
  ].filter((problem) => problem !== false);
}

function toMarkdown(result: SoakResult, { seconds, clients, cacheMb }: Options): string {
  const { rest, peak, after, live, drift, left } = result;
  const sizes = [rest, peak, after, live].map((size) => size.toFixed(0));
  const resources = [left.sockets, left.timers, left.listeners + left.signalListeners];
  const cells = [seconds, clients, cacheMb, ...sizes, drift.toFixed(2), ...resources];
  const outcomes = [...result.outcomes].sort().map(([outcome, count]) => `${outcome}: ${count}`);
  return `| seconds | clients | CACHE_MAX_MB | at rest | peak | at rest again | live growth | drift | sockets left | timers left | listeners left |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| ${cells.join(' | ')} |

Resident memory of the gateway in MiB. Drift: the typical size in the last quarter of the load, divided by that in the second.
Answers: ${outcomes.join(', ')}.
`;
}

async function main(interruption: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const result = await measure(options, interruption);
  await publish('soak', toMarkdown(result, options), options.docs);
  const problems = problemsOf(result, options);
  for (const problem of problems) print(problem);
  if (problems.length > 0) process.exitCode = 1;
}

await runProgram(main);
