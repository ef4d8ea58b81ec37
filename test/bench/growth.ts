import { parseArgs } from 'node:util';
import { type CheckedResponses, checkResponses } from './check.ts';
import { type GrowthCase, growthCases } from './growth-cases.ts';
import { measureLive } from './live-run.ts';
import { median } from './numbers.ts';
import type { MeasuredProcess } from './process.ts';
import { print, runProgram, wholeNumber } from './program.ts';
import { publish } from './publish.ts';
import { NO_CACHE, startGateway } from './rows.ts';
import { takeSample } from './sample.ts';
import { type Stub, startUpstream } from './stub.ts';

const help = `Measures how the CPU time of a query grows with the size of its input, and that of a change with its subscribers.

Usage: npm run bench:growth -- [--rounds 3] [--seconds 2] [--subscribers 100,1000] [--docs]

  --rounds       measurements of each size, 1 to 100; one more is the warm-up
  --seconds      duration of each measurement, 0.01 to 60
  --subscribers  numbers of subscribers to one job
  --docs         writes the table into docs/performance.md, too
`;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly subscribers: readonly number[];
  readonly docs: boolean;
}

/** Null for --help. Throws when an option is invalid. */
function readArguments(): Options | null {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      subscribers: { type: 'string', default: '100,1000' },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const seconds = Number(values.seconds);
  if (!(seconds >= 0.01 && seconds <= 60))
    throw new Error(`--seconds: ${values.seconds} is not a number from 0.01 to 60, such as 2.`);
  const subscribers = values.subscribers.split(',').map((text) => wholeNumber('subscribers', text, 18_000));
  return { rounds: wholeNumber('rounds', values.rounds, 100), seconds, subscribers, docs: values.docs };
}

/** CPU milliseconds of a query or of a change. */
interface Growth {
  readonly measure: string;
  readonly size: number;
  readonly miss: number;
  /** Null where there is no cache. */
  readonly hit: number | null;
}

/** Few, so that equal queries do not meet. */
const CONNECTIONS = 4;
const CHANGES = 20;
/** Each pass over the queries continues with the first log that the cache does not have whole. */
const MAX_FILLS = 60;

interface Row {
  readonly gateway: MeasuredProcess;
  readonly responses: CheckedResponses;
  readonly figures: number[];
}

interface CaseRows {
  readonly growthCase: GrowthCase;
  readonly miss: Row;
  readonly hit: Row;
}

async function measureQueries(options: Options, signal: AbortSignal): Promise<Growth[]> {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream('upstream', './growth-upstream.ts'));
  const miss = opened.use(await startGateway('gateway, caches 0 ms', upstream.baseUrl, NO_CACHE));
  const hit = opened.use(await startGateway('gateway, defaults', upstream.baseUrl));
  const rows: CaseRows[] = [];
  for (const growthCase of await growthCases(upstream.baseUrl, miss.url)) {
    const { misses, hits = misses } = growthCase;
    const missRow = { gateway: miss, responses: await checkResponses(miss, { queries: misses }), figures: [] };
    rows.push({
      growthCase,
      miss: missRow,
      hit: { gateway: hit, responses: await fill(hit, hits), figures: [] },
    });
  }
  for (let round = 0; round <= options.rounds; round++) {
    for (const { growthCase, miss, hit } of rows) {
      await sample(miss, upstream, options, signal);
      await fill(hit.gateway, growthCase.hits ?? growthCase.misses); // Its entries have expired since the last round.
      await sample(hit, upstream, options, signal);
      const { size, measure } = growthCase;
      print(`round ${round}/${options.rounds}, ${size} ${measure}: ${lastMs(miss)} ms, hit ${lastMs(hit)} ms`);
    }
  }
  const typical = ({ figures }: Row) => median(figures.slice(1));
  return rows.map(({ growthCase: { measure, size }, miss, hit }) => ({
    measure,
    size,
    miss: typical(miss),
    hit: typical(hit),
  }));
}

/** Sends the queries until the cache has all of their data. Rejects when the data is wrong after that. */
async function fill(gateway: MeasuredProcess, queries: GrowthCase['misses']): Promise<CheckedResponses> {
  for (let count = 1; count < MAX_FILLS; count++) {
    const responses = await checkResponses(gateway, { queries }).catch(() => null);
    if (responses) return responses;
  }
  return checkResponses(gateway, { queries });
}

async function sample({ gateway, responses, figures }: Row, stub: Stub, { seconds }: Options, signal: AbortSignal) {
  const { cpuPer1000Queries } = await takeSample(gateway, responses, {
    stub,
    seconds,
    connections: CONNECTIONS,
    signal,
  });
  figures.push(cpuPer1000Queries); // Seconds per 1,000 are milliseconds per one.
}

const lastMs = ({ figures }: Row) => figures.at(-1)?.toFixed(3);

async function measureSubscribers({ subscribers }: Options, signal: AbortSignal): Promise<Growth[]> {
  const results: Growth[] = [];
  for (const size of subscribers) {
    const live = { server: 'gateway', subscribers: size, jobs: 1, changes: CHANGES } as const;
    const { cpuMsPerChange } = await measureLive(live, signal);
    print(`${size} subscribers: ${cpuMsPerChange.toFixed(1)} ms per change`);
    results.push({ measure: 'subscribers to a job', size, miss: cpuMsPerChange, hit: null });
  }
  return results;
}

function toMarkdown(results: readonly Growth[], { rounds, seconds }: Options): string {
  const lines = results.map(({ measure, size, miss, hit }, index) => {
    const smaller = results[index - 1];
    const perUnit = smaller?.measure === measure ? (1_000 * (miss - smaller.miss)) / (size - smaller.size) : null;
    const cells = [measure, size.toLocaleString('en'), miss.toFixed(2), perUnit?.toFixed(1) ?? ''];
    return `| ${[...cells, hit?.toFixed(2) ?? ''].join(' | ')} |`;
  });
  return `Node ${process.version}, ${rounds} × ${seconds} s per size and column, all in turn, after a warm-up.

| what grows | size | miss: CPU ms | miss: µs per further unit | hit: CPU ms |
|---|---:|---:|---:|---:|
${lines.join('\n')}

CPU time of the gateway per query; with subscribers, per change of the job, with the polls until it is noticed. Further unit: the
difference from the line above, divided by the difference of the sizes. Growth is linear where it stays the same from line to line.
Medians of all rounds.
`;
}

async function main(signal: AbortSignal): Promise<void> {
  const options = readArguments();
  if (options === null) return void process.stdout.write(help);
  const results = [...(await measureQueries(options, signal)), ...(await measureSubscribers(options, signal))];
  await publish('growth', toMarkdown(results, options), options.docs);
}

await runProgram(main);
