import { type CheckedResponses, checkResponses } from './check.ts';
import { type ColdCount, countCold, promisedCases } from './cold.ts';
import { allRestJobs } from './rest.ts';
import { openRows, type Rows } from './rows.ts';
import { type Sample, takeSample } from './sample.ts';
import { type Stub, startStub } from './stub.ts';
import { createWorkload, type Workload, type WorkloadName } from './workload.ts';

export interface BenchPlan {
  readonly rounds: number;
  /** Duration of each measurement. */
  readonly seconds: number;
  readonly workloads: readonly WorkloadName[];
}

export interface BenchResult {
  readonly coldCounts: readonly ColdCount[];
  readonly workloads: readonly WorkloadResult[];
}

export interface RowResult {
  readonly row: string;
  /** One per round. */
  readonly samples: readonly Sample[];
}

export interface WorkloadResult extends Pick<Workload, 'name' | 'description' | 'connections' | 'latencyMs'> {
  /** The static server first. */
  readonly rows: readonly RowResult[];
}

type Progress = (line: string) => void;

const WARM_UPS = 2;

/** Runs the whole benchmark. Rejects at the first wrong response, after all processes have exited. */
export async function run(plan: BenchPlan, signal: AbortSignal, progress: Progress): Promise<BenchResult> {
  await using opened = new AsyncDisposableStack();
  const stub = opened.use(await startStub());
  const rows = await openRows(stub.baseUrl, opened);
  const bench = { plan, signal, stub, rows };
  const coldCounts: ColdCount[] = [];
  const workloads: WorkloadResult[] = [];
  for (const name of plan.workloads) {
    signal.throwIfAborted();
    const workload = await createWorkload(name, { stubUrl: stub.baseUrl, gatewayUrl: rows.fresh.url });
    coldCounts.push(await countFirst(bench, workload));
    const { description, connections, latencyMs } = workload;
    const sampled = await measure({ ...bench, workload, progress: (line) => progress(`${name} ${line}`) });
    workloads.push({ name, description, connections, latencyMs, rows: sampled });
  }
  coldCounts.push(...(await countPromised(bench)));
  return { coldCounts, workloads };
}

interface Bench {
  plan: BenchPlan;
  signal: AbortSignal;
  stub: Stub;
  rows: Rows;
}

function countFirst({ stub, rows }: Bench, { name, queries: [first] }: Workload): Promise<ColdCount> {
  if (first === undefined) throw new Error(`${name}: has no queries.`);
  return countCold({ name: `one query of ${name}`, body: first.body }, stub, rows.fresh);
}

async function countPromised({ signal, stub, rows }: Bench): Promise<ColdCount[]> {
  const jobs = await allRestJobs(stub.baseUrl);
  const rich = jobs.find((job) => job.status === 'succeeded' && job.validation_file !== null);
  const counts: ColdCount[] = [];
  for (const coldCase of promisedCases(rich?.id ?? '')) {
    signal.throwIfAborted();
    counts.push(await countCold(coldCase, stub, rows.fresh));
  }
  return counts;
}

type Measurement = Bench & { workload: Workload; progress: Progress };

async function measure(measurement: Measurement): Promise<RowResult[]> {
  const { stub, rows, workload, progress } = measurement;
  const responses = await checkRows(rows, workload);
  progress(`all rows return the stub's data for all ${responses.length} queries`);
  await stub.setLatency(workload.latencyMs);
  const sampled = await alternate(responses, measurement);
  await stub.setLatency(0);
  return sampled;
}

async function checkRows({ ceiling, fresh, hot }: Rows, workload: Workload): Promise<CheckedResponses> {
  const responses = await checkResponses(fresh, workload);
  await checkResponses(hot, workload);
  await ceiling.send({ responses });
  await checkResponses(ceiling, workload);
  return responses;
}

// Each round measures all rows, so that a machine that is slower for a while is slower for all of them.
async function alternate(
  responses: CheckedResponses,
  { plan, rows, stub, signal, workload, progress }: Measurement,
): Promise<RowResult[]> {
  const results = Object.values(rows).map((row) => ({ row, samples: [] as Sample[] }));
  const options = { stub, seconds: plan.seconds, connections: workload.connections, signal };
  for (let round = 1 - WARM_UPS; round <= plan.rounds; round++) {
    const isWarmUp = round < 1;
    const cpu: string[] = [];
    for (const { row, samples } of results) {
      const sample = await takeSample(row, responses, options);
      if (!isWarmUp) samples.push(sample);
      cpu.push(`${row.name} ${sample.cpuPer1000Queries.toFixed(3)}`);
    }
    progress(`${isWarmUp ? 'warm-up' : `round ${round}/${plan.rounds}`}, CPU s per 1,000: ${cpu.join(' | ')}`);
  }
  return results.map(({ row, samples }) => ({ row: row.name, samples }));
}
