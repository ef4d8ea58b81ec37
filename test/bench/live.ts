import { parseArgs } from 'node:util';
import { type LiveCase, type LiveSample, measureLive, serverNames } from './live-run.ts';
import { median } from './numbers.ts';

const help = `Measures the memory of a gateway with very many subscribers, and how soon all of them have a change, next to a
server of graphql-yoga that is built in the usual way.

Usage: npm run bench:live -- [--subscribers 100,1000,10000] [--jobs 1,100] [--changes 20] [--servers gateway,stock]

  --subscribers  how many there are, each on a connection of its own for server-sent events
  --jobs         how many jobs they follow
  --changes      how often all of those change, each time once all subscribers have the change before
  --servers      gateway: ours; stock: the other one

Each row has processes of its own: the server, its upstream, the subscribers. 10,000 of these need 'ulimit -n 11000'.
`;

/** What the gateway has to keep to, however many there are. */
const MAX_MIB = 400;
const MAX_MS = 1000;

interface Options {
  readonly subscribers: readonly number[];
  readonly jobs: readonly number[];
  readonly changes: number;
  readonly servers: readonly LiveCase['server'][];
}

/** Throws when an argument is not understood; null means that help is wanted. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      subscribers: { type: 'string', default: '100,1000,10000' },
      jobs: { type: 'string', default: '1,100' },
      changes: { type: 'string', default: '20' },
      servers: { type: 'string', default: 'gateway,stock' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const numbers = (name: 'subscribers' | 'jobs' | 'changes', most: number) =>
    values[name].split(',').map((text) => {
      const number = Number(text);
      if (Number.isInteger(number) && number >= 1 && number <= most) return number;
      throw new Error(`--${name}: expected 1 to ${most}, got ${text}.`);
    });
  const [changes = 1] = numbers('changes', 1000);
  const asked = values.servers.split(',');
  const servers = serverNames.filter((name) => asked.includes(name.split(' ')[0] ?? ''));
  if (servers.length !== asked.length) throw new Error('--servers: expected gateway, stock or both.');
  return { subscribers: numbers('subscribers', 18_000), jobs: numbers('jobs', 100), changes, servers };
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

type Outcome = LiveCase & LiveSample;

async function main(signal: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const outcomes: Outcome[] = [];
  for (const subscribers of options.subscribers) {
    for (const jobs of options.jobs.filter((count) => count <= subscribers)) {
      for (const server of options.servers) {
        const live = { server, subscribers, jobs, changes: options.changes };
        outcomes.push({ ...live, ...(await measureLive(live, signal)) });
        say(lineOf(outcomes.at(-1) as Outcome)); // It was just put there.
      }
    }
  }
  process.stdout.write(toMarkdown(outcomes));
}

function toMarkdown(outcomes: readonly Outcome[]): string {
  const header = `| server | subscribers | jobs | RSS idle | after | most | first ms | last ms | worst last ms | CPU ms a change | upstream calls/s idle | changing | verdict |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|`;
  const legend = `RSS in MiB. First and last delivery since the look that saw the change, of several jobs that of the slowest: the median of
all changes, and the worst. Within: never over ${MAX_MIB} MiB, and nobody later than ${MAX_MS} ms.`;
  return `${[header, ...outcomes.map(lineOf)].join('\n')}\n\n${legend}\n`;
}

function lineOf(outcome: Outcome): string {
  const { server, subscribers, jobs, idle, after, most, firstMs, lastMs } = outcome;
  const worst = Math.max(...lastMs);
  const cells = [
    ...[server, subscribers, jobs],
    ...[idle, after, most, median(firstMs), median(lastMs), worst].map((figure) => figure.toFixed(0)),
    ...[outcome.cpuMsPerChange, outcome.idleCallsPerSecond, outcome.callsPerSecond].map((figure) => figure.toFixed(1)),
    most <= MAX_MIB && worst <= MAX_MS ? 'within' : 'over',
  ];
  return `| ${cells.join(' | ')} |`;
}

// An interrupted run fails at its next step, and what it started ends as after any other failure.
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
try {
  await main(interruption.signal);
} catch (error) {
  const isInterrupted = interruption.signal.aborted; // What then fails first is of no interest.
  say(isInterrupted ? 'Interrupted.' : String(error instanceof Error ? error.message : error));
  process.exitCode = isInterrupted ? 130 : 1;
}
