import { COURSES, type Fate } from '../../../src/sandbox/seed/job-outcome.ts';
import { type Campaign, createCampaigns } from '../../../src/sandbox/seed/scenario.ts';
import { planJob } from '../../../src/sandbox/seed/scenario-job.ts';
import { createAccount } from '../../../src/sandbox/simulation/account.ts';
import type { JobPlan } from '../../../src/sandbox/simulation/job-plan.ts';
import { drawDurations, type JobStatus } from '../../../src/sandbox/simulation/lifecycle.ts';
import { createRandom } from '../../../src/sandbox/simulation/random.ts';

export const BORN = Date.UTC(2026, 5, 1);
/** When every job has said all that it will, but for one that runs for good. */
export const END = BORN + 86_400_000;

const account = createAccount(1);
const campaigns = createCampaigns(1);

// The keys of a Record are what its type says.
export const fates = Object.keys(COURSES) as Fate[];

interface Choice {
  readonly fate?: Fate;
  readonly speed?: number;
  readonly seed?: number;
  /** The suffix of a campaign; the first one by default. */
  readonly of?: string;
  readonly changes?: Partial<Campaign>;
}

/** A job born at BORN: by default one of three epochs with validation that succeeds, at real speed. */
export function planOf({
  fate = 'succeeded',
  speed = 1,
  seed = 1,
  of = 'support-triage',
  changes,
}: Choice = {}): JobPlan {
  const campaign = campaigns.find(({ suffix }) => suffix === of);
  if (campaign === undefined) throw new Error(`${of}: no campaign has this suffix`);
  const random = createRandom(seed, fate, of);
  const lasts = drawDurations(random, speed);
  return planJob({ ...campaign, ...changes }, account, { createdAt: BORN, fate, lasts }, random);
}

/** When the plan first takes a status, ms since the epoch. */
export function turn(plan: JobPlan, status: JobStatus): number {
  const at = plan.turns.find((turn) => turn.status === status)?.at;
  if (at === undefined) throw new Error(`${status}: the job never takes this status`);
  return at;
}
