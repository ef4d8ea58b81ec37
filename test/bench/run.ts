import { type CheckedResponses, checkResponses } from './check.ts';
import { type ColdCount, countCold, promisedCases } from './cold.ts';
import { allRestJobs } from './rest.ts';
import { openRows, type RowName, type Rows } from './rows.ts';
import { type Sample, takeSample } from './sample.ts';
import { measureStarts, type StartResult } from './start-time.ts';
import { type Stub, startStub } from './stub.ts';
import { createWorkload, type Workload, type WorkloadName } from './workload.ts';

export interface BenchPlan {
  readonly rounds: number;
  /** Duration of each measurement. */
  readonly seconds: number;
  readonly workloads: readonly WorkloadName[];
  /** Further flags of Node for both gateways. */
  readonly gatewayFlags: readonly string[];
}

export interface BenchResult {
  readonly workloads: readonly WorkloadResult[];
  readonly starts: StartResult;
  readonly coldCounts: readonly ColdCount[];
}

export interface WorkloadResult extends Pick<Workload, 'name' | 'description' | 'connections' | 'latencyMs'> {
  /** One sample per round. */
  readonly rows: Readonly<Record<RowName, readonly Sample[]>>;
}

type Progress = (line: string) => void;

const WARM_UPS = 2;

/** Runs the whole benchmark. Rejects at the first wrong response, after all processes have exited. */
export async function run(plan: BenchPlan, signal: AbortSignal, progress: Progress): Promise<BenchResult> {
  await using opened = new AsyncDisposableStack();
  const stub = opened.use(await startStub());
  const rows = await openRows(stub.baseUrl, opened, plan.gatewayFlags);
  const bench = { plan, signal, stub, rows };
  const coldCounts: ColdCount[] = [];
  const workloads: WorkloadResult[] = [];
  for (const name of plan.workloads) {
    signal.throwIfAborted();
    const workload = await createWorkload(name, { stubUrl: stub.baseUrl, gatewayUrl: rows.miss.url });
    coldCounts.push(await countFirst(bench, workload));
    const { description, connections, latencyMs } = workload;
    const samples = await measure({ ...bench, workload, progress: (line) => progress(`${name} ${line}`) });
    workloads.push({ name, description, connections, latencyMs, rows: samples });
  }
  coldCounts.push(...(await countPromised(bench)));
  progress('starts of the gateway and of the stock server');
  return {
    workloads,
    starts: await measureStarts(stub.baseUrl, await firstBody(bench), plan.rounds, signal),
    coldCounts,
  };
}

interface Bench {
  plan: BenchPlan;
  signal: AbortSignal;
  stub: Stub;
  rows: Rows;
}

/** The first query of W1. */
async function firstBody({ stub, rows }: Bench): Promise<string> {
  const { queries } = await createWorkload('W1', { stubUrl: stub.baseUrl, gatewayUrl: rows.miss.url });
  return queries[0]?.body ?? '';
}

function countFirst({ stub, rows }: Bench, { name, queries: [first] }: Workload): Promise<ColdCount> {
  if (first === undefined) throw new Error(`${name}: has no queries.`);
  return countCold({ name: `one query of ${name}`, body: first.body }, stub, rows.miss);
}

async function countPromised({ signal, stub, rows }: Bench): Promise<ColdCount[]> {
  const jobs = await allRestJobs(stub.baseUrl);
  const rich = jobs.find((job) => job.status === 'succeeded' && job.validation_file !== null);
  const counts: ColdCount[] = [];
  for (const coldCase of promisedCases(rich?.id ?? '')) {
    signal.throwIfAborted();
    counts.push(await countCold(coldCase, stub, rows.miss));
  }
  return counts;
}

type Measurement = Bench & { workload: Workload; progress: Progress };

async function measure(measurement: Measurement): Promise<WorkloadResult['rows']> {
  const { stub, workload, progress } = measurement;
  const responses = await checkRows(measurement);
  progress(`all rows return the stub's data for all ${responses.hit.length} queries`);
  await stub.setLatency(workload.latencyMs);
  const samples = await alternate(responses, measurement);
  await stub.setLatency(0);
  return samples;
}

type RowResponses = Readonly<Record<RowName, CheckedResponses>>;

/** Every row has to return the data of the stub. The stock server has cursors of its own, and so its own variables. */
async function checkRows({ stub, rows, workload }: Measurement): Promise<RowResponses> {
  const stockWorkload = await createWorkload(workload.name, { stubUrl: stub.baseUrl, gatewayUrl: rows.stock.url });
  const miss = await checkResponses(rows.miss, workload);
  const hit = await checkResponses(rows.hit, workload);
  const stock = await checkResponses(rows.stock, stockWorkload);
  await rows.ceiling.send({ responses: miss });
  const ceiling = await checkResponses(rows.ceiling, workload);
  return { ceiling, hit, miss, stock };
}

// Each round measures all rows, so that a machine that is slower for a while is slower for all of them.
async function alternate(
  responses: RowResponses,
  { plan, rows, stub, signal, workload, progress }: Measurement,
): Promise<WorkloadResult['rows']> {
  const names = Object.keys(rows) as RowName[]; // Its own keys.
  const samples: Record<RowName, Sample[]> = { ceiling: [], hit: [], miss: [], stock: [] };
  const options = { stub, seconds: plan.seconds, connections: workload.connections, signal };
  for (let round = 1 - WARM_UPS; round <= plan.rounds; round++) {
    const isWarmUp = round < 1;
    const cpu: string[] = [];
    for (const name of names) {
      const sample = await takeSample(rows[name], responses[name], options);
      if (!isWarmUp) samples[name].push(sample);
      cpu.push(`${rows[name].name} ${sample.cpuPer1000Queries.toFixed(3)}`);
    }
    progress(`${isWarmUp ? 'warm-up' : `round ${round}/${plan.rounds}`}, CPU s per 1,000: ${cpu.join(' | ')}`);
  }
  return samples;
}
