import { type JobOutcome, STATUS_PATHS } from '../../../src/sandbox/seed/job-outcome.ts';
import { createScenarios, type Scenario } from '../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../src/sandbox/simulation/account.ts';
import type { JobPlan } from '../../../src/sandbox/simulation/job-plan.ts';
import { drawDurations, type JobStatus } from '../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../src/sandbox/simulation/random.ts';

export const CREATED_AT = Date.UTC(2026, 5, 1);
/** When every job has said all that it will, but for one that runs for good. */
export const END = CREATED_AT + 86_400_000;

const account = createAccount(1);
const campaigns = createScenarios(1);

// The keys of a Record are what its type says.
export const outcomes = Object.keys(STATUS_PATHS) as JobOutcome[];

interface Choice {
  readonly outcome?: JobOutcome;
  readonly speed?: number;
  readonly seed?: number;
  /** The suffix of a campaign; the first one by default. */
  readonly of?: string;
  readonly changes?: Partial<Scenario>;
}

/** A job born at BORN: by default one of three epochs with validation that succeeds, at real speed. */
export function planOf({
  outcome = 'succeeded',
  speed = 1,
  seed = 1,
  of = 'support-triage',
  changes,
}: Choice = {}): JobPlan {
  const campaign = campaigns.find(({ suffix }) => suffix === of);
  if (campaign === undefined) throw new Error(`${of}: no campaign has this suffix`);
  const random = createRandom(seed, outcome, of);
  const durations = drawDurations(random, speed);
  return planJob({ ...campaign, ...changes }, account, { createdAt: CREATED_AT, outcome, durations }, random);
}

/** When the plan first takes a status, ms since the epoch. */
export function timeOf(plan: JobPlan, status: JobStatus): number {
  const at = plan.changes.find((turn) => turn.status === status)?.at;
  if (at === undefined) throw new Error(`${status}: the job never takes this status`);
  return at;
}
