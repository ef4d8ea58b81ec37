import { parseArgs } from 'node:util';
import { type LiveCase, type LiveSample, measureLive, serverNames } from './live-run.ts';
import { median } from './numbers.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';

const help = `Measures the memory of a gateway with many subscribers, and the delivery time of a change, beside a plain
graphql-yoga server.

Usage: npm run bench:live -- [--subscribers 100,1000,10000] [--jobs 1,100] [--changes 20] [--servers gateway,stock] [--docs]

  --subscribers  number of subscribers, each with a connection of its own for server-sent events
  --jobs         number of jobs that they follow
  --changes      number of changes of all jobs; each starts when all subscribers have received the one before
  --servers      gateway: this gateway; stock: the plain graphql-yoga server
  --docs         writes the table into docs/performance.md, too

Each row has processes of its own: server, upstream, subscribers. 10,000 subscribers need 'ulimit -n 11000'.
`;

/** Limits for the gateway with any number of subscribers. */
const MAX_MIB = 400;
const MAX_MS = 1000;

interface Options {
  readonly subscribers: readonly number[];
  readonly jobs: readonly number[];
  readonly changes: number;
  readonly servers: readonly LiveCase['server'][];
  readonly docs: boolean;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      subscribers: { type: 'string', default: '100,1000,10000' },
      jobs: { type: 'string', default: '1,100' },
      changes: { type: 'string', default: '20' },
      servers: { type: 'string', default: 'gateway,stock' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const numbers = (name: 'subscribers' | 'jobs' | 'changes', max: number) =>
    values[name].split(',').map((text) => wholeNumber(name, text, max));
  const [changes = 1] = numbers('changes', 1000);
  const names = values.servers.split(',');
  const servers = serverNames.filter((name) => names.includes(name.split(' ')[0] ?? ''));
  if (servers.length !== names.length)
    throw new Error(`--servers: ${values.servers} has an unknown name; expected gateway, stock or both.`);
  return {
    subscribers: numbers('subscribers', 18_000),
    jobs: numbers('jobs', 100),
    changes,
    servers,
    docs: values.docs,
  };
}

type LiveResult = LiveCase & LiveSample;

async function main(signal: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const results: LiveResult[] = [];
  for (const subscribers of options.subscribers) {
    for (const jobs of options.jobs.filter((count) => count <= subscribers)) {
      for (const server of options.servers) {
        const live = { server, subscribers, jobs, changes: options.changes };
        results.push({ ...live, ...(await measureLive(live, signal)) });
        print(lineOf(results.at(-1) as LiveResult)); // Added above.
      }
    }
  }
  await publish('live', toMarkdown(results), options.docs);
}

function toMarkdown(results: readonly LiveResult[]): string {
  const header = `| server | subscribers | jobs | RSS idle | after | peak | first ms | last ms | worst last ms | CPU ms per change | upstream calls/s idle | changing | verdict |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|`;
  const legend = `RSS in MiB. First and last delivery after the upstream response with the change, of the slowest job: the median of all
changes, and the worst. Within: RSS at most ${MAX_MIB} MiB, and all deliveries within ${MAX_MS} ms.`;
  return `${[header, ...results.map(lineOf)].join('\n')}\n\n${legend}\n`;
}

function lineOf(result: LiveResult): string {
  const { server, subscribers, jobs, idle, after, peak, firstMs, lastMs } = result;
  const worst = Math.max(...lastMs);
  const cells = [
    ...[server, subscribers, jobs],
    ...[idle, after, peak, median(firstMs), median(lastMs), worst].map((figure) => figure.toFixed(0)),
    ...[result.cpuMsPerChange, result.idleCallsPerSecond, result.callsPerSecond].map((figure) => figure.toFixed(1)),
    peak <= MAX_MIB && worst <= MAX_MS ? 'within' : 'over',
  ];
  return `| ${cells.join(' | ')} |`;
}

await runProgram(main);
