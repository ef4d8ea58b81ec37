import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type CheckedResponses, checkResponses } from './check.ts';
import type { MeasuredProcess } from './process.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';
import { NO_CACHE, startGateway } from './rows.ts';
import { takeSample } from './sample.ts';
import { startStub } from './stub.ts';
import { createWorkload } from './workload.ts';

const help = `Measures the cost of metrics and traces: CPU per query of W1 (one job by id), with and without them.

Usage: npm run bench:telemetry -- [--rounds 7] [--seconds 2] [--docs]

  --rounds   measurements of each row, 1 to 100
  --seconds  duration of each measurement, 1 to 60
  --docs     writes the table into docs/performance.md, too
`;

const WARM_UPS = 3;
const METRICS = { METRICS_PORT: '0' };

interface Row {
  readonly caches: string;
  readonly telemetry: string;
  readonly gateway: MeasuredProcess;
  readonly responses: CheckedResponses;
  readonly cpu: number[];
}

/** A collector that reads and forgets what it receives. Its CPU time is not measured. */
async function startSink(opened: AsyncDisposableStack): Promise<string> {
  const sink = createServer((request, response) => void request.resume().on('end', () => response.end()));
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  opened.defer(() => void sink.close().closeAllConnections());
  return `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
}

async function openRows(stubUrl: string, opened: AsyncDisposableStack): Promise<Row[]> {
  const traces = { ...METRICS, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${await startSink(opened)}/v1/traces` };
  const share = (ratio: string) => ({
    ...traces,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  });
  const variants = {
    off: {},
    metrics: METRICS,
    'metrics, and 1 % of the traces': share('0.01'),
    'metrics, and 10 % of the traces': share('0.1'),
    'metrics and all traces': traces,
  };
  const rows: Row[] = [];
  for (const [caches, cacheSettings] of Object.entries({ hits: {}, misses: NO_CACHE })) {
    for (const [telemetry, settings] of Object.entries(variants)) {
      const gateway = opened.use(await startGateway(telemetry, stubUrl, { ...cacheSettings, ...settings }));
      const workload = await createWorkload('W1', { stubUrl, gatewayUrl: gateway.url });
      rows.push({ caches, telemetry, gateway, responses: await checkResponses(gateway, workload), cpu: [] });
    }
  }
  return rows;
}

/** The lowest of the rounds: other programs of the machine only add CPU time, by what they evict from its caches. */
function toMarkdown(rows: readonly Row[]): string {
  const lines = rows.map(({ caches, telemetry, cpu }) => {
    const off = rows.find((row) => row.caches === caches && row.telemetry === 'off');
    const share = Math.min(...cpu) / Math.min(...(off?.cpu ?? [])) - 1;
    const added = telemetry === 'off' ? '' : `${(share * 100).toFixed(0)} %`;
    return `| ${caches} | ${telemetry} | ${Math.min(...cpu).toFixed(3)} | ${added} |\n`;
  });
  return `| W1 | Telemetry | CPU s per 1,000 queries | Added |\n|---|---|---|---|\n${lines.join('')}`;
}

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
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
  const rows = await openRows(stub.baseUrl, opened);
  const { connections } = await createWorkload('W1', { stubUrl: stub.baseUrl, gatewayUrl: rows[0]?.gateway.url ?? '' });
  for (let round = 1 - WARM_UPS; round <= rounds; round++) {
    // In turn from both ends, so that no row is always measured after the same one.
    for (const { gateway, responses, cpu } of round % 2 === 0 ? rows : rows.toReversed()) {
      const sample = await takeSample(gateway, responses, { stub, seconds, connections, signal });
      if (round > 0) cpu.push(sample.cpuPer1000Queries);
    }
    print(round > 0 ? `round ${round}/${rounds}` : 'warm-up');
  }
  await publish('telemetry', toMarkdown(rows), values.docs);
}

await runProgram(main);
