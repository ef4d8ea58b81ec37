import { type JobOutcome, STATUS_PATHS } from '../../../src/sandbox/seed/job-outcome.ts';
import { createScenarios, type Scenario } from '../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../src/sandbox/simulation/account.ts';
import type { JobPlan } from '../../../src/sandbox/simulation/job-plan.ts';
import { drawDurations, type JobStatus } from '../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../src/sandbox/simulation/random.ts';

export const CREATED_AT = Date.UTC(2026, 5, 1);
/** After the last event of every job, except of one that stays in `running`. */
export const END = CREATED_AT + 86_400_000;

const account = createAccount(1);
const scenarios = createScenarios(1);

// Object.keys returns string[] for any type.
export const outcomes = Object.keys(STATUS_PATHS) as JobOutcome[];

interface PlanOptions {
  readonly outcome?: JobOutcome;
  readonly speed?: number;
  readonly seed?: number;
  /** The suffix of a scenario; the first one by default. */
  readonly suffix?: string;
  readonly changes?: Partial<Scenario>;
}

/** A job created at CREATED_AT. By default, it succeeds after three epochs with validation, at speed 1. */
export function planOf({
  outcome = 'succeeded',
  speed = 1,
  seed = 1,
  suffix = 'support-triage',
  changes,
}: PlanOptions = {}): JobPlan {
  const scenario = scenarios.find((scenario) => scenario.suffix === suffix);
  if (scenario === undefined) throw new Error(`suffix: no scenario has ${suffix}`);
  const random = createRandom(seed, outcome, suffix);
  const durations = drawDurations(random, speed);
  return planJob({ ...scenario, ...changes }, account, { createdAt: CREATED_AT, outcome, durations }, random);
}

/** When the job first has a status, in milliseconds since the epoch. */
export function timeOf(plan: JobPlan, status: JobStatus): number {
  const at = plan.changes.find((change) => change.status === status)?.at;
  if (at === undefined) throw new Error(`status: the job never has ${status}`);
  return at;
}
