import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { MeasuredProcess } from './process.ts';
import { type Reading, readLogs, scanAllJobs, warmUp } from './reading.ts';
import { startGateway } from './rows.ts';
import { startUpstream } from './stub.ts';

const help = `Measures the memory of a gateway through which very many jobs and logs are read, more than it may keep.

Usage: npm run bench:memory -- [--jobs 1000000] [--logs 10000] [--cache-mb 32,128] [--minutes 30]

  --jobs      how many jobs the upstream has; all are looked through with a filter
  --logs      how many of them have their logs of 102 to 301 events read
  --cache-mb  values of CACHE_MAX_MB, each for a gateway of its own
  --minutes   when to give up
`;

/** The process may grow by so many times CACHE_MAX_MB over what it takes at rest. */
const MAX_GROWTH = 2;
const MIB = 1024 * 1024;
const IDLE_MS = 5_000;
const SAY_EVERY = 50_000;

interface Options {
  readonly jobs: number;
  readonly logs: number;
  readonly cacheMb: readonly number[];
  readonly minutes: number;
}

/** Throws when an argument is not understood; null means that help is wanted. */
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
  const whole = (name: string, text: string) => {
    if (!/^[1-9]\d{0,7}$/.test(text)) throw new Error(`--${name}: expected a whole number from 1, got ${text}.`);
    return Number(text);
  };
  return {
    jobs: whole('jobs', values.jobs),
    logs: whole('logs', values.logs),
    cacheMb: values['cache-mb'].split(',').map((text) => whole('cache-mb', text)),
    minutes: whole('minutes', values.minutes),
  };
}

/** In MiB, as everything here. */
interface Outcome {
  readonly cacheMb: number;
  readonly rest: number;
  /** The most that the process had while and before it did this. */
  readonly peakOfJobs: number;
  readonly peakOfLogs: number;
  readonly after: number;
  /** What stays of it without garbage, over the same at rest. */
  readonly kept: number;
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function measure(cacheMb: number, { jobs, logs }: Options, signal: AbortSignal): Promise<Outcome> {
  await using upstream = await startUpstream('upstream', './large-upstream.ts', { JOBS: String(jobs) });
  const settings = { CACHE_MAX_MB: String(cacheMb) };
  await using gateway = await startGateway('gateway', upstream.baseUrl, settings, ['--expose-gc']);
  const reading = (what: string): Reading => ({ url: gateway.url, signal, progress: everySoOften(cacheMb, what) });

  await warmUp(gateway.url);
  const rest = await atRest(gateway, signal);
  const { scanned, found } = await scanAllJobs(reading('jobs looked through'));
  const peakOfJobs = (await gateway.memory()).mostResident;
  const events = await readLogs(reading('logs read'), logs);
  const peakOfLogs = (await gateway.memory()).mostResident;
  say(`CACHE_MAX_MB=${cacheMb}: ${scanned} jobs looked through, ${found} found; ${events} events read`);
  const after = await atRest(gateway, signal);
  return {
    cacheMb,
    rest: rest.resident / MIB,
    peakOfJobs: peakOfJobs / MIB,
    peakOfLogs: peakOfLogs / MIB,
    after: after.resident / MIB,
    kept: (after.used - rest.used) / MIB,
  };
}

/** `resident` is taken before garbage is collected by force, `used` thereafter. */
async function atRest(gateway: MeasuredProcess, signal: AbortSignal): Promise<{ resident: number; used: number }> {
  await sleep(IDLE_MS, undefined, { signal });
  const { resident } = await gateway.memory();
  const { used } = await gateway.memory('collect');
  return { resident, used };
}

function everySoOften(cacheMb: number, what: string): (count: number) => void {
  let next = 0;
  return (count) => {
    if (count < next) return;
    next += what.startsWith('jobs') ? SAY_EVERY : SAY_EVERY / 50;
    say(`CACHE_MAX_MB=${cacheMb}: ${count} ${what}`);
  };
}

function toMarkdown(outcomes: readonly Outcome[]): string {
  const header = `| CACHE_MAX_MB | at rest | peak: jobs | peak: logs | idle again | peak growth / CACHE_MAX_MB | kept without garbage | verdict |
|---:|---:|---:|---:|---:|---:|---:|---|`;
  const lines = outcomes.map(({ cacheMb, rest, peakOfJobs, peakOfLogs, after, kept }) => {
    const growth = (peakOfLogs - rest) / cacheMb;
    const verdict = growth <= MAX_GROWTH ? 'within' : 'over';
    const sizes = [rest, peakOfJobs, peakOfLogs, after].map((size) => size.toFixed(0));
    return `| ${[cacheMb, ...sizes, growth.toFixed(2), kept.toFixed(1), verdict].join(' | ')} |`;
  });
  const legend = `MiB; resident memory of the gateway's process. Within: it never grew by more than ${MAX_GROWTH} times CACHE_MAX_MB.`;
  return `${[header, ...lines].join('\n')}\n\n${legend}\n`;
}

async function main(interruption: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const signal = AbortSignal.any([interruption, AbortSignal.timeout(options.minutes * 60_000)]);
  const outcomes: Outcome[] = [];
  for (const cacheMb of options.cacheMb) outcomes.push(await measure(cacheMb, options, signal));
  process.stdout.write(toMarkdown(outcomes));
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
try {
  await main(interruption.signal);
} catch (error) {
  say(String(error instanceof Error ? error.message : error));
  process.exitCode = 1;
}
