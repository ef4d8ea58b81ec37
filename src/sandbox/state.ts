import { type Account, createAccount } from './account.ts';
import { type CheckpointPlan, checkpointsAt } from './checkpoint.ts';
import { type EventPlan, eventsAt } from './event.ts';
import { type FilePlan, filesAt } from './file.ts';
import { isOfOldTrainer } from './generation.ts';
import type { JobPlan } from './job.ts';
import { createLane, LANES } from './lane.ts';
import { type ListedModel, modelsAt } from './model.ts';
import { createRandom } from './random.ts';
import { createHistory } from './seed.ts';
import { createCampaigns } from './seed-campaign.ts';

/** The jobs that exist at a time. */
export interface Jobs {
  readonly newestFirst: readonly JobPlan[];
  /** Where a job stands in `newestFirst`, by id. */
  readonly positions: ReadonlyMap<string, number>;
  /** When the next one is created, ms since the epoch, or one may be. */
  readonly until: number;
}

export interface State {
  readonly account: Account;
  /** A job that is always there, has succeeded after three epochs, and has all kinds of files and something in most members. */
  readonly exampleJobId: string;
  jobsAt(now: number): Jobs;
  /** Newest first. */
  eventsAt(plan: JobPlan, now: number): readonly EventPlan[];
  /** Newest first. */
  checkpointsAt(plan: JobPlan, now: number): readonly CheckpointPlan[];
  /** Newest first. */
  filesAt(now: number): readonly FilePlan[];
  modelsAt(now: number): readonly ListedModel[];
}

export interface StateOptions {
  seed: number;
  speed: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

function isRich(plan: JobPlan): boolean {
  const { wandbProject, validationFile, trainingFileDeletedAt, method, turns } = plan;
  const hasFiles = validationFile !== null && trainingFileDeletedAt === null;
  const isThreeEpochs = method.type === 'supervised' && method.resolved.n_epochs === 3;
  const hasSucceeded = turns.some(({ status }) => status === 'succeeded');
  return hasSucceeded && wandbProject !== null && hasFiles && isThreeEpochs && !isOfOldTrainer(plan);
}

/** Jobs that move have fewer examples than this: nobody watches thousands of steps in a minute. */
const MOST_MOVING_EXAMPLES = 1000;

export function createState({ seed, speed, startedAt }: StateOptions): State {
  const account = createAccount(seed);
  const campaigns = createCampaigns(seed);
  const history = createHistory(seed, startedAt, campaigns, account);
  const moving = campaigns.filter(({ examples }) => examples < MOST_MOVING_EXAMPLES);
  const lanes = LANES.map((lane) => createLane(lane, { seed, speed, startedAt, campaigns: moving, account }));
  // Between one creation and the next the same jobs exist, so that most answers need no planning.
  let kept: (Jobs & { readonly from: number }) | undefined;

  function workOut(now: number): NonNullable<typeof kept> {
    const around = lanes.flatMap((lane) => lane.plansAround(now));
    const isCreated = ({ createdAt }: JobPlan) => createdAt <= now;
    const newestFirst = [...around.filter(isCreated), ...history].sort((a, b) => b.createdAt - a.createdAt);
    const positions = new Map(newestFirst.map(({ id }, position) => [id, position]));
    const toCome = around.filter((plan) => !isCreated(plan)).map(({ createdAt }) => createdAt);
    const until = Math.min(...toCome, ...lanes.map((lane) => lane.nextSlotAt(now)));
    return { newestFirst, positions, from: now, until };
  }

  function jobsAt(now: number): Jobs {
    if (kept === undefined || now < kept.from || now >= kept.until) kept = workOut(now);
    return kept;
  }

  return {
    account,
    exampleJobId: createRandom(seed, 'example').pick(history.filter(isRich)).id,
    jobsAt,
    eventsAt,
    checkpointsAt,
    filesAt: (now) => filesAt(jobsAt(now).newestFirst.toReversed(), now),
    modelsAt: (now) => modelsAt(jobsAt(now).newestFirst, now),
  };
}
