import { type Answers, checkedAnswers } from './check.ts';
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

export interface RowOutcome {
  readonly row: string;
  /** One for each round, in order. */
  readonly samples: readonly Sample[];
}

export interface WorkloadOutcome {
  readonly name: WorkloadName;
  readonly what: string;
  readonly connections: number;
  /** The ceiling first. */
  readonly rows: readonly RowOutcome[];
}

type Progress = (line: string) => void;

const CONNECTIONS = 32;
const WARM_UPS = 2;

/** Runs the whole benchmark. Rejects at the first wrong answer; whatever it started has then ended. */
export async function run(plan: Plan, signal: AbortSignal, progress: Progress): Promise<WorkloadOutcome[]> {
  await using opened = new AsyncDisposableStack();
  const stub = opened.use(await startStub());
  const rows = await openRows(stub.baseUrl, opened);
  const outcomes: WorkloadOutcome[] = [];
  for (const name of plan.workloads) {
    signal.throwIfAborted();
    const workload = await createWorkload(name, { stubUrl: stub.baseUrl, gatewayUrl: rows.fresh.url });
    const answers = await checkRows(rows, workload);
    progress(`${name}: every row answers all ${answers.length} queries as the stub does`);
    const sampled = await takeTurns({
      plan,
      rows,
      stub,
      answers,
      signal,
      progress: (line) => progress(`${name} ${line}`),
    });
    outcomes.push({ name, what: workload.what, connections: CONNECTIONS, rows: sampled });
  }
  return outcomes;
}

async function checkRows({ ceiling, fresh, hot }: Rows, workload: Workload): Promise<Answers> {
  const answers = await checkedAnswers(fresh, workload);
  await checkedAnswers(hot, workload);
  await ceiling.ask({ answers });
  await checkedAnswers(ceiling, workload);
  return answers;
}

interface Turns {
  plan: Plan;
  rows: Rows;
  stub: Stub;
  answers: Answers;
  signal: AbortSignal;
  progress: Progress;
}

// Row after row in each round, so that a machine that is slower for a while is slower for all of them.
async function takeTurns({ plan, rows, stub, answers, signal, progress }: Turns): Promise<RowOutcome[]> {
  const outcomes = Object.values(rows).map((row) => ({ row, samples: [] as Sample[] }));
  const options = { stub, seconds: plan.seconds, connections: CONNECTIONS, signal };
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
