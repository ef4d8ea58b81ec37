import { type Account, createAccount } from './account.ts';
import type { JobPlan } from './job.ts';
import { createLane, LANES } from './lane.ts';
import { createRandom } from './random.ts';
import { createHistory } from './seed.ts';
import { createCampaigns } from './seed-campaign.ts';

/** The jobs that exist at a time. */
export interface Jobs {
  readonly newestFirst: readonly JobPlan[];
  /** Where a job stands in `newestFirst`, by id. */
  readonly positions: ReadonlyMap<string, number>;
}

export interface State {
  readonly account: Account;
  /** A job that is always there, and has something in most of its members. */
  readonly exampleJobId: string;
  jobsAt(now: number): Jobs;
}

export interface StateOptions {
  seed: number;
  speed: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

const isRich = (plan: JobPlan) => plan.wandbProject !== null && plan.turns.some(({ status }) => status === 'succeeded');

export function createState({ seed, speed, startedAt }: StateOptions): State {
  const account = createAccount(seed);
  const campaigns = createCampaigns(seed);
  const history = createHistory(seed, startedAt, campaigns, account);
  const lanes = LANES.map((lane) => createLane(lane, { seed, speed, startedAt, campaigns, account }));
  // Between one creation and the next the same jobs exist, so that most answers need no planning.
  let kept: (Jobs & { readonly from: number; readonly until: number }) | undefined;

  function workOut(now: number): NonNullable<typeof kept> {
    const around = lanes.flatMap((lane) => lane.plansAround(now));
    const isCreated = ({ createdAt }: JobPlan) => createdAt <= now;
    const newestFirst = [...around.filter(isCreated), ...history].sort((a, b) => b.createdAt - a.createdAt);
    const positions = new Map(newestFirst.map(({ id }, position) => [id, position]));
    const toCome = around.filter((plan) => !isCreated(plan)).map(({ createdAt }) => createdAt);
    const until = Math.min(...toCome, ...lanes.map((lane) => lane.nextSlotAt(now)));
    return { newestFirst, positions, from: now, until };
  }

  return {
    account,
    exampleJobId: createRandom(seed, 'example').pick(history.filter(isRich)).id,
    jobsAt(now) {
      if (kept === undefined || now < kept.from || now >= kept.until) kept = workOut(now);
      return kept;
    },
  };
}
