import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { MeasuredProcess } from './process.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { type ReadOptions, readLogs, scanAllJobs, warmUp } from './readers.ts';
import { startGateway } from './rows.ts';
import { startUpstream } from './stub.ts';

const help = `Measures the memory of a gateway while clients read more jobs and event logs than its cache can hold.

Usage: npm run bench:memory -- [--jobs 1000000] [--logs 10000] [--cache-mb 32,128] [--minutes 30]

  --jobs      number of jobs of the upstream; all are read with a filter
  --logs      number of jobs whose event logs of 102 to 301 events are read
  --cache-mb  values of CACHE_MAX_MB; each is measured with a gateway of its own
  --minutes   time limit
`;

/** Maximum growth of the process over its size at rest, as a multiple of CACHE_MAX_MB. */
const MAX_GROWTH = 2;
const MIB = 1024 * 1024;
const MAX_NUMBER = 99_999_999;
const IDLE_MS = 5_000;
const PROGRESS_EVERY = 50_000;

interface Options {
  readonly jobs: number;
  readonly logs: number;
  readonly cacheMb: readonly number[];
  readonly minutes: number;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '1000000' },
      logs: { type: 'string', default: '10000' },
      'cache-mb': { type: 'string', default: '32,128' },
      minutes: { type: 'string', default: '30' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  return {
    jobs: wholeNumber('jobs', values.jobs, MAX_NUMBER),
    logs: wholeNumber('logs', values.logs, MAX_NUMBER),
    cacheMb: values['cache-mb'].split(',').map((text) => wholeNumber('cache-mb', text, MAX_NUMBER)),
    minutes: wholeNumber('minutes', values.minutes, MAX_NUMBER),
  };
}

/** Sizes in MiB. */
interface MemoryResult {
  readonly cacheMb: number;
  readonly rest: number;
  /** Maximum size of the process up to the end of this phase. */
  readonly peakOfJobs: number;
  readonly peakOfLogs: number;
  readonly after: number;
  /** Growth of the live bytes over the size at rest. */
  readonly live: number;
}

async function measure(cacheMb: number, { jobs, logs }: Options, signal: AbortSignal): Promise<MemoryResult> {
  await using upstream = await startUpstream('upstream', './large-upstream.ts', { JOBS: String(jobs) });
  const settings = { CACHE_MAX_MB: String(cacheMb) };
  await using gateway = await startGateway('gateway', upstream.baseUrl, settings, ['--expose-gc']);
  const optionsFor = (noun: string): ReadOptions => ({ url: gateway.url, signal, progress: throttled(cacheMb, noun) });

  await warmUp(gateway.url);
  const rest = await atRest(gateway, signal);
  const { scanned, found } = await scanAllJobs(optionsFor('jobs scanned'));
  const peakOfJobs = (await gateway.memory()).maxResident;
  const events = await readLogs(optionsFor('logs read'), logs);
  const peakOfLogs = (await gateway.memory()).maxResident;
  print(`CACHE_MAX_MB=${cacheMb}: ${scanned} jobs scanned, ${found} found; ${events} events read`);
  const after = await atRest(gateway, signal);
  return {
    cacheMb,
    rest: rest.resident / MIB,
    peakOfJobs: peakOfJobs / MIB,
    peakOfLogs: peakOfLogs / MIB,
    after: after.resident / MIB,
    live: (after.used - rest.used) / MIB,
  };
}

/** `resident` is measured before a forced garbage collection, `used` after it. */
async function atRest(gateway: MeasuredProcess, signal: AbortSignal): Promise<{ resident: number; used: number }> {
  await sleep(IDLE_MS, undefined, { signal });
  const { resident } = await gateway.memory();
  const { used } = await gateway.memory('collect');
  return { resident, used };
}

function throttled(cacheMb: number, noun: string): (count: number) => void {
  let next = 0;
  return (count) => {
    if (count < next) return;
    next += noun.startsWith('jobs') ? PROGRESS_EVERY : PROGRESS_EVERY / 50;
    print(`CACHE_MAX_MB=${cacheMb}: ${count} ${noun}`);
  };
}

function toMarkdown(results: readonly MemoryResult[]): string {
  const header = `| CACHE_MAX_MB | at rest | peak: jobs | peak: logs | at rest again | peak growth / CACHE_MAX_MB | live growth | verdict |
|---:|---:|---:|---:|---:|---:|---:|---|`;
  const lines = results.map(({ cacheMb, rest, peakOfJobs, peakOfLogs, after, live }) => {
    const growth = (peakOfLogs - rest) / cacheMb;
    const verdict = growth <= MAX_GROWTH ? 'within' : 'over';
    const sizes = [rest, peakOfJobs, peakOfLogs, after].map((size) => size.toFixed(0));
    return `| ${[cacheMb, ...sizes, growth.toFixed(2), live.toFixed(1), verdict].join(' | ')} |`;
  });
  const legend = `Resident memory of the gateway in MiB. Within: it grew by at most ${MAX_GROWTH} times CACHE_MAX_MB.`;
  return `${[header, ...lines].join('\n')}\n\n${legend}\n`;
}

async function main(interruption: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const signal = AbortSignal.any([interruption, AbortSignal.timeout(options.minutes * 60_000)]);
  const results: MemoryResult[] = [];
  for (const cacheMb of options.cacheMb) results.push(await measure(cacheMb, options, signal));
  process.stdout.write(toMarkdown(results));
}

await runProgram(main);
