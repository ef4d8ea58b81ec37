import { type CheckpointPlan, checkpointsAt } from '../artifacts/checkpoint.ts';
import { eventsAt } from '../artifacts/event.ts';
import type { EventPlan } from '../artifacts/event-plan.ts';
import { type FilePlan, filesAt } from '../artifacts/file.ts';
import { type ListedModel, modelsAt } from '../artifacts/model.ts';
import { createHistory } from '../seed/history.ts';
import { createJobGenerator, GENERATORS } from '../seed/job-generator.ts';
import { createScenarios } from '../seed/scenario.ts';
import { type Account, createAccount } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { createRandom } from '../simulation/random.ts';
import { usesLegacyTrainer } from '../simulation/trainer-version.ts';
import { type ClientWrites, createClientWrites } from './client-writes.ts';
import { createFaults, type Faults } from './faults.ts';
import type { JobQuota } from './quota.ts';
import { createSpool, type Spool, type SpoolLimits } from './spool.ts';

/** The jobs that exist at a time. */
export interface JobList {
  readonly newestFirst: readonly JobPlan[];
  /** Index in `newestFirst` by id. */
  readonly positions: ReadonlyMap<string, number>;
  /** No job is created before this time, in milliseconds since the epoch, unless by a client. */
  readonly validUntil: number;
}

export interface State {
  readonly account: Account;
  /** The writes of clients. The lists below include them. */
  readonly writes: ClientWrites;
  readonly spool: Spool;
  readonly quota: JobQuota;
  readonly faults: Faults;
  readonly speed: number;
  /** A succeeded job of three epochs, with all kinds of files and a value in most members. Always present. */
  readonly exampleJobId: string;
  /** The training file of that job. */
  readonly exampleFileId: string;
  jobsAt(now: number): JobList;
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

function isExample(plan: JobPlan): boolean {
  const { integrations, validationFile, trainingFileDeletedAt, method, changes } = plan;
  const hasFiles = validationFile !== null && trainingFileDeletedAt === null;
  const hasThreeEpochs = method.type === 'supervised' && method.resolved.n_epochs === 3;
  const hasSucceeded = changes.some(({ status }) => status === 'succeeded');
  return hasSucceeded && integrations.length > 0 && hasFiles && hasThreeEpochs && !usesLegacyTrainer(plan);
}

/** Active jobs have fewer examples: thousands of steps do not fit into their minute. */
const MAX_ACTIVE_EXAMPLES = 1000;

interface CachedJobs extends JobList {
  /** Includes removed jobs, whose files and models remain. */
  readonly all: readonly JobPlan[];
  readonly validFrom: number;
  readonly version: number;
}

export function createState({ seed, speed, startedAt, quota = {}, storage = {} }: StateOptions): State {
  const account = createAccount(seed);
  const allScenarios = createScenarios(seed);
  const history = createHistory(seed, startedAt, allScenarios, account);
  const scenarios = allScenarios.filter(({ examples }) => examples < MAX_ACTIVE_EXAMPLES);
  const generators = GENERATORS.map((number) =>
    createJobGenerator(number, { seed, speed, startedAt, scenarios, account }),
  );
  const writes = createClientWrites();
  let cached: CachedJobs | undefined;

  function computeJobs(now: number): CachedJobs {
    const around = generators.flatMap((generator) => generator.plansAround(now));
    const isCreated = ({ createdAt }: JobPlan) => createdAt <= now;
    const seeded = [...around.filter(isCreated), ...history].map(writes.currentPlan);
    const all = [...writes.jobs, ...seeded].sort((a, b) => b.createdAt - a.createdAt);
    const newestFirst = all.filter(({ id }) => !writes.isRemoved(id));
    const positions = new Map(newestFirst.map(({ id }, position) => [id, position]));
    const nextCreations = around.filter((plan) => !isCreated(plan)).map(({ createdAt }) => createdAt);
    const nextPeriods = generators.map((generator) => generator.nextPeriodAt(now));
    const validUntil = Math.min(...nextCreations, ...nextPeriods);
    return { newestFirst, all, positions, validFrom: now, validUntil, version: writes.version };
  }

  function jobsAt(now: number): CachedJobs {
    const isValid = cached?.version === writes.version && now >= cached.validFrom && now < cached.validUntil;
    if (cached === undefined || !isValid) cached = computeJobs(now);
    return cached;
  }

  const example = createRandom(seed, 'example').pick(history.filter(isExample));

  return {
    account,
    writes,
    spool: createSpool(storage),
    quota,
    faults: createFaults(),
    speed,
    exampleJobId: example.id,
    exampleFileId: example.trainingFile,
    jobsAt,
    eventsAt,
    checkpointsAt,
    filesAt: (now) => filesAt(jobsAt(now).all.toReversed(), now, writes),
    modelsAt: (now) => modelsAt(jobsAt(now).all, now).filter(({ name }) => !writes.isRemoved(name)),
  };
}
