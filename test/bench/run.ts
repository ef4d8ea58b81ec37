import { type Answers, checkedAnswers } from './check.ts';
import { type ColdCount, countCold, promisedCases } from './cold.ts';
import { allRestJobs } from './rest.ts';
import { openRows, type Rows } from './rows.ts';
import { type Sample, takeSample } from './sample.ts';
import { type Stub, startStub } from './stub.ts';
import { createWorkload, type Workload, type WorkloadName } from './workload.ts';

export interface Plan {
  readonly rounds: number;
  /** How long each row is measured in each round. */
  readonly seconds: number;
  readonly workloads: readonly WorkloadName[];
}

export interface Outcome {
  readonly coldCounts: readonly ColdCount[];
  readonly workloads: readonly WorkloadOutcome[];
}

export interface RowOutcome {
  readonly row: string;
  /** One for each round, in order. */
  readonly samples: readonly Sample[];
}

export interface WorkloadOutcome extends Pick<Workload, 'name' | 'what' | 'connections' | 'latencyMs'> {
  /** The ceiling first. */
  readonly rows: readonly RowOutcome[];
}

type Progress = (line: string) => void;

const WARM_UPS = 2;

/** Runs the whole benchmark. Rejects at the first wrong answer; whatever it started has then ended. */
export async function run(plan: Plan, signal: AbortSignal, progress: Progress): Promise<Outcome> {
  await using opened = new AsyncDisposableStack();
  const stub = opened.use(await startStub());
  const rows = await openRows(stub.baseUrl, opened);
  const bench = { plan, signal, stub, rows };
  const coldCounts: ColdCount[] = [];
  const workloads: WorkloadOutcome[] = [];
  for (const name of plan.workloads) {
    signal.throwIfAborted();
    const workload = await createWorkload(name, { stubUrl: stub.baseUrl, gatewayUrl: rows.fresh.url });
    coldCounts.push(await countFirst(bench, workload));
    const { what, connections, latencyMs } = workload;
    const sampled = await measure({ ...bench, workload, progress: (line) => progress(`${name} ${line}`) });
    workloads.push({ name, what, connections, latencyMs, rows: sampled });
  }
  coldCounts.push(...(await countPromised(bench)));
  return { coldCounts, workloads };
}

interface Bench {
  plan: Plan;
  signal: AbortSignal;
  stub: Stub;
  rows: Rows;
}

function countFirst({ stub, rows }: Bench, { name, queries: [first] }: Workload): Promise<ColdCount> {
  if (first === undefined) throw new Error(`${name} has no queries.`);
  return countCold({ what: `one query of ${name}`, question: first.question }, stub, rows.fresh);
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

async function measure(measurement: Measurement): Promise<RowOutcome[]> {
  const { stub, rows, workload, progress } = measurement;
  const answers = await checkRows(rows, workload);
  progress(`every row answers all ${answers.length} queries as the stub does`);
  await stub.setLatency(workload.latencyMs);
  const sampled = await takeTurns(answers, measurement);
  await stub.setLatency(0);
  return sampled;
}

async function checkRows({ ceiling, fresh, hot }: Rows, workload: Workload): Promise<Answers> {
  const answers = await checkedAnswers(fresh, workload);
  await checkedAnswers(hot, workload);
  await ceiling.ask({ answers });
  await checkedAnswers(ceiling, workload);
  return answers;
}

// Row after row in each round, so that a machine that is slower for a while is slower for all of them.
async function takeTurns(
  answers: Answers,
  { plan, rows, stub, signal, workload, progress }: Measurement,
): Promise<RowOutcome[]> {
  const outcomes = Object.values(rows).map((row) => ({ row, samples: [] as Sample[] }));
  const options = { stub, seconds: plan.seconds, connections: workload.connections, signal };
  for (let round = 1 - WARM_UPS; round <= plan.rounds; round++) {
    const isWarmUp = round < 1;
    const cpu: string[] = [];
    for (const { row, samples } of outcomes) {
      const sample = await takeSample(row, answers, options);
      if (!isWarmUp) samples.push(sample);
      cpu.push(`${row.name} ${sample.cpuPer1000Queries.toFixed(3)}`);
    }
    progress(`${isWarmUp ? 'warm-up' : `round ${round}/${plan.rounds}`}, CPU s per 1,000: ${cpu.join(' | ')}`);
  }
  return outcomes.map(({ row, samples }) => ({ row: row.name, samples }));
}
