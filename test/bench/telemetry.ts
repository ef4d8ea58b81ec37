import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type CheckedResponses, checkResponses } from './check.ts';
import { median } from './numbers.ts';
import type { MeasuredProcess } from './process.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';
import { NO_CACHE, startGateway } from './rows.ts';
import { takeSample } from './sample.ts';
import { measureScrape, STREAMS } from './scrape-time.ts';
import { type Stub, startStub } from './stub.ts';
import type { SwitchCommand } from './telemetry-switch.ts';
import { createWorkload } from './workload.ts';

const help = `Measures the cost of metrics and traces: CPU per query of W1 (one job by id), with the listeners of one gateway on and
off in turn, and the duration of a scrape with 10,000 open streams.

Usage: npm run bench:telemetry -- [--rounds 25] [--seconds 2] [--docs]

  --rounds   pairs of measurements of each row, on and off, 1 to 100
  --seconds  duration of each measurement, 1 to 60
  --docs     writes the results into docs/performance.md, too
`;

/** Seconds of load before the first measurement: the compiler and the caches of the machine reach their pace. */
const WARM_UP_SECONDS = 4;
const METRICS = { METRICS_PORT: '0' };

type Telemetry = SwitchCommand['telemetry'];

interface Row {
  readonly caches: string;
  readonly telemetry: string;
  readonly settings: Readonly<Record<string, string>>;
  /** CPU seconds per 1,000 queries, by round. */
  readonly cpu: Readonly<Record<Telemetry, number[]>>;
}

/** A collector that reads and forgets what it receives. Its CPU time is not measured. */
async function startSink(opened: AsyncDisposableStack): Promise<string> {
  const sink = createServer((request, response) => void request.resume().on('end', () => response.end()));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  opened.defer(() => void sink.close().closeAllConnections());
  return `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
}

function rowsOf(collectorUrl: string): Row[] {
  // Spans are sent soon, so that their export is measured with them.
  const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collectorUrl}/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '500' };
  const variants = { metrics: METRICS, 'metrics and traces': { ...METRICS, ...traces } };
  return Object.entries({ hits: {}, misses: NO_CACHE }).flatMap(([caches, cacheSettings]) =>
    Object.entries(variants).map(([telemetry, settings]) => {
      return { caches, telemetry, settings: { ...cacheSettings, ...settings }, cpu: { on: [], off: [] } };
    }),
  );
}

interface Measured {
  readonly gateway: MeasuredProcess;
  readonly responses: CheckedResponses;
  readonly connections: number;
  readonly stub: Stub;
  readonly signal: AbortSignal;
}

/** Measures a row in a process of its own. Two processes of the same program would differ by more than the cost of telemetry. */
async function measure(row: Row, stub: Stub, rounds: number, seconds: number, signal: AbortSignal): Promise<void> {
  const flags = [`--import=${new URL('./telemetry-switch.ts', import.meta.url).href}`];
  await using gateway = await startGateway(row.telemetry, stub.baseUrl, row.settings, flags);
  const workload = await createWorkload('W1', { stubUrl: stub.baseUrl, gatewayUrl: gateway.url });
  const responses = await checkResponses(gateway, workload);
  const measured = { gateway, responses, connections: workload.connections, stub, signal };
  for (const telemetry of ['off', 'on'] as const) await sample(measured, telemetry, WARM_UP_SECONDS);
  for (let round = 0; round < rounds; round++) {
    const order: Telemetry[] = round % 2 === 0 ? ['off', 'on'] : ['on', 'off'];
    for (const telemetry of order) row.cpu[telemetry].push(await sample(measured, telemetry, seconds));
  }
}

async function sample({ gateway, responses, ...options }: Measured, telemetry: Telemetry, seconds: number) {
  const hasListeners = await gateway.send({ telemetry: 'off' } satisfies SwitchCommand);
  if (hasListeners !== true) throw new Error('The gateway has no listeners for events.');
  if (telemetry === 'on') await gateway.send({ telemetry } satisfies SwitchCommand);
  return (await takeSample(gateway, responses, { ...options, seconds })).cpuPer1000Queries;
}

/** The median of what a pair of measurements, one after the other, shows: both meet the same state of the machine. */
function toMarkdown(rows: readonly Row[]): string {
  const lines = rows.map(({ caches, telemetry, cpu: { on, off } }) => {
    const added = median(on.map((cpu, round) => cpu / (off[round] ?? Number.NaN))) - 1;
    const seconds = [off, on].map((values) => median(values).toFixed(3));
    return `| ${caches} | ${telemetry} | ${seconds.join(' | ')} | ${(added * 100).toFixed(0)} % |\n`;
  });
  return `| W1 | Telemetry | CPU s per 1,000 queries: off | on | Added |\n|---|---|---:|---:|---:|\n${lines.join('')}`;
}

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '25' },
      seconds: { type: 'string', default: '2' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const rounds = wholeNumber('rounds', values.rounds, 100);
  const seconds = wholeNumber('seconds', values.seconds, 60);
  await using opened = new AsyncDisposableStack();
  const stub = opened.use(await startStub());
  const rows = rowsOf(await startSink(opened));
  for (const row of rows) {
    await measure(row, stub, rounds, seconds, signal);
    print(`${row.caches}, ${row.telemetry}`);
  }
  const { maxMs, bytes } = await measureScrape(signal);
  const scrape = `\nThe longest of 20 scrapes with ${STREAMS.toLocaleString('en')} open streams: ${maxMs.toFixed(0)} ms, ${(bytes / 1024).toFixed(0)} KiB.\n`;
  await publish('telemetry', toMarkdown(rows) + scrape, values.docs);
}

await runProgram(main);
