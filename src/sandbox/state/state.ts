import { type CheckpointPlan, checkpointsAt } from '../artifacts/checkpoint.ts';
import { type EventPlan, eventsAt } from '../artifacts/event.ts';
import { type FilePlan, filesAt } from '../artifacts/file.ts';
import { type ListedModel, modelsAt } from '../artifacts/model.ts';
import { createHistory } from '../seed/history.ts';
import { createJobGenerator, GENERATORS } from '../seed/job-generator.ts';
import { createScenarios } from '../seed/scenario.ts';
import { type Account, createAccount } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom } from '../simulation/random.ts';
import { isOfOldTrainer } from '../simulation/trainer-version.ts';
import { type ClientWrites, createClientWrites } from './client-writes.ts';
import { createFaults, type Faults } from './faults.ts';
import type { JobQuota } from './quota.ts';
import { createSpool, type Spool, type SpoolLimits } from './spool.ts';

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
  /** What clients have written; its parts show in all that follows. */
  readonly writes: ClientWrites;
  readonly spool: Spool;
  readonly quota: JobQuota;
  readonly faults: Faults;
  readonly speed: number;
  /** A job that is always there, has succeeded after three epochs, and has all kinds of files and something in most members. */
  readonly exampleJobId: string;
  /** The training file of that job. */
  readonly exampleFileId: string;
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
  quota?: JobQuota | undefined;
  storage?: SpoolLimits | undefined;
}

function isRich(plan: JobPlan): boolean {
  const { integrations, validationFile, trainingFileDeletedAt, method, changes } = plan;
  const hasFiles = validationFile !== null && trainingFileDeletedAt === null;
  const isThreeEpochs = method.type === 'supervised' && method.resolved.n_epochs === 3;
  const hasSucceeded = changes.some(({ status }) => status === 'succeeded');
  return hasSucceeded && integrations.length > 0 && hasFiles && isThreeEpochs && !isOfOldTrainer(plan);
}

/** Jobs that move have fewer examples than this: nobody watches thousands of steps in a minute. */
const MAX_MOVING_EXAMPLES = 1000;

export function createState({ seed, speed, startedAt, quota = {}, storage = {} }: StateOptions): State {
  const account = createAccount(seed);
  const campaigns = createScenarios(seed);
  const history = createHistory(seed, startedAt, campaigns, account);
  const moving = campaigns.filter(({ examples }) => examples < MAX_MOVING_EXAMPLES);
  const lanes = GENERATORS.map((lane) =>
    createJobGenerator(lane, { seed, speed, startedAt, scenarios: moving, account }),
  );
  const writes = createClientWrites();
  // Between one creation, or one change, and the next the same jobs exist, so that most answers need no planning.
  let kept: (Jobs & { readonly all: readonly JobPlan[]; readonly from: number; readonly version: number }) | undefined;

  function workOut(now: number): NonNullable<typeof kept> {
    const around = lanes.flatMap((lane) => lane.plansAround(now));
    const isCreated = ({ createdAt }: JobPlan) => createdAt <= now;
    const seeded = [...around.filter(isCreated), ...history].map(writes.currentPlan);
    const all = [...writes.jobs, ...seeded].sort((a, b) => b.createdAt - a.createdAt);
    const newestFirst = all.filter(({ id }) => !writes.isRemoved(id));
    const positions = new Map(newestFirst.map(({ id }, position) => [id, position]));
    const toCome = around.filter((plan) => !isCreated(plan)).map(({ createdAt }) => createdAt);
    const until = Math.min(...toCome, ...lanes.map((lane) => lane.nextPeriodAt(now)));
    return { newestFirst, all, positions, from: now, until, version: writes.version };
  }

  function plansAt(now: number): NonNullable<typeof kept> {
    const isKept = kept?.version === writes.version && now >= kept.from && now < kept.until;
    if (kept === undefined || !isKept) kept = workOut(now);
    return kept;
  }

  const example = createRandom(seed, 'example').pick(history.filter(isRich));

  return {
    account,
    writes,
    spool: createSpool(storage),
    quota,
    faults: createFaults(),
    speed,
    exampleJobId: example.id,
    exampleFileId: example.trainingFile,
    jobsAt: plansAt,
    eventsAt,
    checkpointsAt,
    filesAt: (now) => filesAt(plansAt(now).all.toReversed(), now, writes),
    modelsAt: (now) => modelsAt(plansAt(now).all, now).filter(({ name }) => !writes.isRemoved(name)),
  };
}
