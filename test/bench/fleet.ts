import { parseArgs } from 'node:util';
import { CALLERS, JOBS, measureMemory } from './fleet-memory.ts';
import { type FleetCase, type FleetSample, measureFleet } from './fleet-run.ts';
import { median } from './numbers.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';

const help = `Measures 1, 2 and 3 replicas on one Redis: upstream calls, deliveries across replicas, commands of Redis, CPU, and the time
until another replica polls after a kill. Needs redis-server or valkey-server.

Usage: npm run bench:fleet -- [--replicas 1,2,3] [--subscribers 300] [--changes 20] [--memory] [--docs]

  --replicas     numbers of replicas, each 1 to 8
  --subscribers  number of subscribers of all replicas, each with a connection of its own for server-sent events
  --changes      number of changes of the job that all follow
  --memory       measures the memory of Redis instead: ${JOBS} watched jobs, ${CALLERS} callers and keys, and three replicas
  --docs         writes the table into docs/performance.md, too
`;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      replicas: { type: 'string', default: '1,2,3' },
      subscribers: { type: 'string', default: '300' },
      changes: { type: 'string', default: '20' },
      memory: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help);
  if (values.memory) return await publish('fleet-memory', await memoryTable(), values.docs);
  const subscribers = wholeNumber('subscribers', values.subscribers, 18_000);
  const changes = wholeNumber('changes', values.changes, 1000);
  const lines: string[] = [];
  for (const text of values.replicas.split(',')) {
    const fleet: FleetCase = { replicas: wholeNumber('replicas', text, 8), subscribers, changes };
    lines.push(lineOf(fleet, await measureFleet(fleet, signal)));
    print(lines.at(-1) ?? '');
  }
  await publish('fleet', `${HEADER}\n${lines.join('\n')}\n`, values.docs);
}

/** Two sizes of jobs: without metadata, and with as much as the upstream accepts. */
async function memoryTable(): Promise<string> {
  const [small, large] = [await measureMemory(0), await measureMemory(16)];
  const each = ({ count, bytes }: { count: number; bytes: number } = { count: 0, bytes: 0 }) =>
    count === 0 ? '' : String(Math.round(bytes / count));
  const rows = small.rows.map((row, index) => [row.keys, row.count, each(row), each(large.rows[index])].join(' | '));
  const total = ({ usedBytes }: { usedBytes: number }) => `${(usedBytes / 2 ** 20).toFixed(1)} MiB`;
  const header = `| | keys | bytes each, jobs of ${small.bodyBytes} bytes | bytes each, jobs of ${large.bodyBytes} bytes |`;
  const lines = [...rows, `used memory, all together | | ${total(small)} | ${total(large)}`].map((row) => `| ${row} |`);
  return `${[header, '|---|---:|---:|---:|', ...lines].join('\n')}\n`;
}

const HEADER = `| replicas | subscribers | upstream calls/s idle | first ms | last ms | worst last ms | Redis commands per change | CPU ms per change, by replica | takeover s |
|---:|---:|---:|---:|---:|---:|---:|---|---:|`;

function lineOf({ replicas, subscribers }: FleetCase, sample: FleetSample): string {
  const { firstMs, lastMs, takeoverMs } = sample;
  const cells = [
    ...[replicas, subscribers],
    sample.idleCallsPerSecond.toFixed(1),
    ...[median(firstMs), median(lastMs), Math.max(...lastMs)].map((ms) => ms.toFixed(0)),
    sample.redisCommandsPerChange.toFixed(1),
    sample.cpuMsPerChange.map((ms) => ms.toFixed(0)).join(', '),
    takeoverMs === null ? '' : (takeoverMs / 1000).toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

await runProgram(main);
