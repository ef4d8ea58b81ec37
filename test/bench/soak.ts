import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { print, runProgram, wholeNumber } from './program.ts';
import { warmUp } from './readers.ts';
import { startGateway } from './rows.ts';
import { runClients } from './soak-clients.ts';
import { startUpstream } from './stub.ts';

const help = `Measures the memory of a gateway under mixed load of a faulty upstream, and after it.

Clients: pages of jobs, job details with metrics, new and invalid documents, server-sent events and WebSockets that come and
go, uploads with creates, and clients that disconnect early.

Usage: npm run bench:soak -- [--seconds 240] [--clients 28] [--cache-mb 128]

  --seconds   duration of the load
  --clients   number of clients
  --cache-mb  CACHE_MAX_MB of the gateway

Exits with 1 when the gateway has grown beyond the limit, or when a stream, a socket or live memory is left.
`;

const MIB = 1024 * 1024;
/** Maximum growth of the process over its size at rest, as a multiple of CACHE_MAX_MB. */
const MAX_GROWTH = 2;
/** Growth for requests in progress, in MiB. */
const IN_PROGRESS_MIB = 32;
/** Live bytes beyond those of the caches: compiled code, counters, pools of connections. */
const MAX_OTHER_LIVE_MIB = 48;
const MAX_NUMBER = 99_999;
const IDLE_MS = 6_000;
/** A create whose client has left still waits for its response, at most for UPSTREAM_TIMEOUT_MS. */
const MAX_CLOSING_MS = 40_000;
const SAMPLE_MS = 1_000;

interface Options {
  readonly seconds: number;
  readonly clients: number;
  readonly cacheMb: number;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '240' },
      clients: { type: 'string', default: '28' },
      'cache-mb': { type: 'string', default: '128' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  return {
    seconds: wholeNumber('seconds', values.seconds, MAX_NUMBER),
    clients: wholeNumber('clients', values.clients, MAX_NUMBER),
    cacheMb: wholeNumber('cache-mb', values['cache-mb'], MAX_NUMBER),
  };
}

/** Sizes in MiB. */
interface SoakResult {
  readonly rest: number;
  readonly peak: number;
  readonly after: number;
  /** Live bytes after the load, beyond those at rest. */
  readonly live: number;
  readonly socketsLeft: number;
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
  const restSockets = await gateway.sockets();
  const outcomes = new Map<string, number>();
  const count = (outcome: string) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const signal = AbortSignal.any([interruption, AbortSignal.timeout(seconds * 1_000)]);
  const load = runClients(clients, { url: gateway.url, signal, count });
  let peak = rest.resident;
  for (let second = 0; second < seconds && !interruption.aborted; second++) {
    await sleep(SAMPLE_MS);
    const { resident, used } = await gateway.memory();
    peak = Math.max(peak, resident);
    if (second % 10 === 9)
      print(`${second + 1} s: resident ${(resident / MIB).toFixed(0)} MiB, used ${(used / MIB).toFixed(0)} MiB`);
  }
  await load;
  await sleep(IDLE_MS, undefined, { signal: interruption });
  const closingUntil = performance.now() + MAX_CLOSING_MS;
  while ((await gateway.sockets()) > restSockets && performance.now() < closingUntil) await sleep(SAMPLE_MS);
  const after = await gateway.memory();
  const afterLive = await gateway.memory('collect');
  return {
    rest: rest.resident / MIB,
    peak: peak / MIB,
    after: after.resident / MIB,
    live: (afterLive.used - restLive.used) / MIB,
    socketsLeft: Math.max(0, (await gateway.sockets()) - restSockets),
    outcomes,
  };
}

/** Each problem as a line; empty when all is well. */
function problemsOf({ rest, peak, live, socketsLeft }: SoakResult, { cacheMb }: Options): string[] {
  const maxPeak = rest + MAX_GROWTH * cacheMb + IN_PROGRESS_MIB;
  const maxLive = cacheMb + MAX_OTHER_LIVE_MIB;
  return [
    peak > maxPeak && `The process grew to ${peak.toFixed(0)} MiB; expected at most ${maxPeak.toFixed(0)} MiB.`,
    live > maxLive && `${live.toFixed(0)} MiB more are live; expected at most ${maxLive} MiB.`,
    socketsLeft > 0 && `${socketsLeft} sockets are left; expected none.`,
  ].filter((problem) => problem !== false);
}

function toMarkdown(result: SoakResult, { seconds, clients, cacheMb }: Options): string {
  const sizes = [result.rest, result.peak, result.after, result.live].map((size) => size.toFixed(0));
  const cells = [seconds, clients, cacheMb, ...sizes, result.socketsLeft];
  const outcomes = [...result.outcomes].sort().map(([outcome, count]) => `${outcome}: ${count}`);
  return `| seconds | clients | CACHE_MAX_MB | at rest | peak | at rest again | live growth | sockets left |
|---:|---:|---:|---:|---:|---:|---:|---:|
| ${cells.join(' | ')} |

Resident memory of the gateway in MiB. Answers: ${outcomes.join(', ')}.
`;
}

async function main(interruption: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const result = await measure(options, interruption);
  process.stdout.write(toMarkdown(result, options));
  const problems = problemsOf(result, options);
  for (const problem of problems) print(problem);
  if (problems.length > 0) process.exitCode = 1;
}

await runProgram(main);
