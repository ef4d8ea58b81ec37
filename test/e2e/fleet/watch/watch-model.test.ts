import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OfferResult } from '../../../../src/state/watch-state.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { isEnd, joinInMemory, joinThroughRedis, type ScopeReplica } from '../../../kit/fleet/scope-replica.ts';
import { until } from '../../../kit/until.ts';

const SCHEDULES = 10_000;
/** Schedules at the same time: the log of a scope holds all their entries, so that no follower has a gap. */
const BATCH = 50;
const STEPS = 12;
const REPLICAS = 3;
const SEED = Number(process.env['FLEET_SEED'] ?? Date.now() % 1_000_000);

const offers = fc.record({
  kind: fc.constant<'offer'>('offer'),
  by: fc.nat(REPLICAS - 1),
  /** Which of the last accepted revisions its request was sent in: 0 for the present one. */
  age: fc.nat(3),
  status: fc.constantFrom('queued', 'running', 'paused', 'succeeded', 'failed', null),
  tokens: fc.nat(1),
});
const losses = fc.record({ kind: fc.constant<'loss'>('loss') });
const schedules: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof({ weight: 12, arbitrary: offers }, { weight: 1, arbitrary: losses }),
  {
    minLength: 1,
    maxLength: STEPS,
  },
);
type Step = OfferStep | { readonly kind: 'loss' };
type OfferStep = typeof offers extends fc.Arbitrary<infer T> ? T : never;

/** Replicas of one scope that have one state. */
interface Side {
  readonly replicas: readonly ScopeReplica[];
  lose(jobId: string): Promise<void>;
}

/** The accepted revisions of a job on one side, in their order. */
type Revisions = (number | null)[];

/** The result of an offer, with the position of its revision. */
function outcomeOf(result: OfferResult<string>, revisions: Revisions) {
  if (result.kind === 'reset') return result;
  if (result.kind === 'refused') {
    const { revision, ...current } = result.current;
    return { kind: result.kind, position: revisions.indexOf(revision), current };
  }
  if (result.kind === 'accepted') {
    expect(result.revision).toBeGreaterThan(revisions.at(-1) ?? 0);
    revisions.push(result.revision);
  }
  return { kind: result.kind, position: revisions.indexOf(result.revision) };
}

async function runOn({ replicas, lose }: Side, jobId: string, schedule: readonly Step[]) {
  const revisions: Revisions = [null];
  const outcomes: ReturnType<typeof outcomeOf>[] = [];
  // A replica answers by what it has been told, which can be less than what is accepted.
  const haveBeenTold = () => replicas.every((replica) => replica.acceptedOf(jobId).length >= revisions.length - 1);
  for (const step of schedule) {
    if (step.kind === 'loss') {
      await lose(jobId);
      continue;
    }
    const replica = replicas[step.by % replicas.length] as ScopeReplica; // There is at least one.
    const expected = revisions.at(-1 - step.age) ?? null;
    outcomes.push(outcomeOf(await replica.offer(jobId, step.status, expected, step.tokens), revisions));
    await until(haveBeenTold);
  }
  return { outcomes, revisions };
}

/** The kinds of the outcomes by the rule in words: an independent model. */
function kindsOf(schedule: readonly Step[]): string[] {
  let [accepted, current]: [number, (OfferStep & { position: number }) | null] = [0, null];
  return schedule.flatMap((step) => {
    if (step.kind === 'loss') {
      current = null;
      return [];
    }
    const kind = kindOf(step, current, accepted);
    if (kind === 'accepted') current = { ...step, position: ++accepted };
    if (kind === 'accepted' && step.status === null) current = null;
    return [kind];
  });
}

function kindOf({ age, status, tokens }: OfferStep, current: (OfferStep & { position: number }) | null, last: number) {
  if (current === null) return 'accepted';
  if (status === current.status && tokens === current.tokens) return 'unchanged';
  if (isEnd(current.status) && status !== null && status !== current.status) return 'refused';
  return last - age === current.position ? 'accepted' : 'refused';
}

/** What a replica has been told of a job: positions and bodies. */
const toldOf = (replica: ScopeReplica, jobId: string, revisions: Revisions) =>
  replica.acceptedOf(jobId).map(({ revision, raw }) => [revisions.indexOf(revision), raw]);

let jobs = 0;

async function check(sides: readonly Side[], schedule: readonly Step[]): Promise<void> {
  const jobId = `ftjob-${++jobs}`;
  const results = await Promise.all(sides.map((side) => runOn(side, jobId, schedule)));
  expect(results[0]?.outcomes.map(({ kind }) => kind)).toEqual(kindsOf(schedule));
  for (const { outcomes } of results) expect(outcomes).toEqual(results[0]?.outcomes);
  const told = sides.flatMap(({ replicas }, index) =>
    replicas.map((replica) => toldOf(replica, jobId, results[index]?.revisions ?? [])),
  );
  for (const one of told) expect(one).toEqual(told[0]);
}

/** Checks many schedules at the same time. Alone, one that fails is made shorter, and printed. */
async function checkAll(sides: readonly Side[]): Promise<void> {
  const all = fc.sample(schedules, { numRuns: SCHEDULES, seed: SEED });
  const property = fc.asyncProperty(schedules, (schedule) => check(sides, schedule));
  const run = (schedule: Step[]) =>
    check(sides, schedule).catch(async (cause: unknown) => {
      await fc.assert(property, { examples: [[schedule]], numRuns: 1 });
      throw new Error(`Fails beside others only: ${JSON.stringify(schedule)}`, { cause });
    });
  for (let start = 0; start < all.length; start += BATCH) await Promise.all(all.slice(start, start + BATCH).map(run));
}

function openMemory(): Side {
  const replica = joinInMemory('model');
  return { replicas: [replica], lose: async (jobId) => replica.scope.forget(jobId) };
}

async function openRedis(opened: AsyncDisposableStack): Promise<Side> {
  const redis = opened.use(await startRedis());
  const replicas: ScopeReplica[] = [];
  for (let count = 0; count < REPLICAS; count++) replicas.push(opened.use(await joinThroughRedis(redis.url, 'model')));
  await Promise.all(replicas.map(({ scope }) => scope.compare([]))); // They follow now.
  return {
    replicas,
    async lose(jobId) {
      for (const { scope } of replicas) scope.forget(jobId);
      await redis.client.del(`test:watch:model:job:${jobId}`);
    },
  };
}

describe(`the rule of acceptance, in ${SCHEDULES} schedules of seed ${SEED}`, () => {
  it('has the outcomes of the model in memory', async () => {
    await checkAll([openMemory()]);
  });

  it.skipIf(redisProgram === null)('has the same outcomes in memory and through Redis', async () => {
    await using opened = new AsyncDisposableStack();
    await checkAll([openMemory(), await openRedis(opened)]);
  });
});
