import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { drawDurations } from '../simulation/lifecycle.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { failures, type JobOutcome } from './job-outcome.ts';
import type { Scenario } from './scenario.ts';
import { planJob } from './scenario-job.ts';

/** Each generator has one active job at any time: it creates the next one when the last one ends. */
export const GENERATORS = [0, 1, 2] as const;
export type GeneratorNumber = (typeof GENERATORS)[number];

/**
 * The time of a generator is divided into periods of about this many milliseconds at speed 1, without gaps. Period n starts n
 * periods after the start of the sandbox, plus a third of a period per generator, plus a random delay. So the jobs of a
 * period can be computed from its number alone.
 */
const PERIOD_MS = 1_000_000;
const MAX_DELAY = 0.3;

/** Period -1 has started already when the sandbox starts; there are no earlier ones. */
const FIRST_PERIOD = -1;
/** Periods per generator whose jobs are listed. With at most two jobs each, these are at most 300 jobs. */
const LISTED_PERIODS = 50;

export interface JobGeneratorOptions {
  readonly seed: number;
  readonly speed: number;
  /** Start of the sandbox, in milliseconds since the epoch. Part of each random key: each run has other jobs. */
  readonly startedAt: number;
  readonly scenarios: readonly Scenario[];
  readonly account: Account;
}

export interface JobGenerator {
  /** The jobs of the listed periods. Some of the last period may be created after `now`. */
  plansAround(now: number): readonly JobPlan[];
  /** Start of the next period, in milliseconds since the epoch. */
  nextPeriodAt(now: number): number;
}

export function createJobGenerator(
  number: GeneratorNumber,
  { seed, speed, startedAt, scenarios, account }: JobGeneratorOptions,
): JobGenerator {
  const offset = number / GENERATORS.length;

  function periodStartsAt(period: number): number {
    const delay = createRandom(seed, startedAt, number, period, 'lateness').between(0, MAX_DELAY);
    return Math.ceil(startedAt + ((period + offset + delay) * PERIOD_MS) / speed);
  }

  function periodAt(now: number): number {
    const period = Math.floor(((now - startedAt) * speed) / PERIOD_MS - offset);
    return periodStartsAt(period) <= now ? period : period - 1;
  }

  function planPeriod(period: number): readonly JobPlan[] {
    const random = createRandom(seed, startedAt, number, period);
    const scenario = random.pick(scenarios);
    const startsAt = periodStartsAt(period);
    const failed = random.chance(0.2) ? planFailedJob(scenario, startsAt, random) : null;
    const createdAt = failed?.changes.at(-1)?.at ?? startsAt;
    const main = planMainJob(scenario, createdAt, periodStartsAt(period + 1), random);
    return failed === null ? [main] : [failed, main];
  }

  /** Plans a job that fails the validation of its files. The main job of the period is the second attempt. */
  function planFailedJob(scenario: Scenario, createdAt: number, random: Random): JobPlan {
    const schedule = { createdAt, outcome: random.pick(failures), durations: drawDurations(random, speed) };
    return planJob(scenario, account, schedule, random);
  }

  function planMainJob(scenario: Scenario, createdAt: number, endsAt: number, random: Random): JobPlan {
    const outcome: JobOutcome = random.chance(0.2) ? 'cancelled' : 'succeeded';
    const durations = drawDurations(random, speed);
    const running = endsAt - createdAt - durations.validating_files - durations.queued;
    return planJob(scenario, account, { createdAt, outcome, durations: { ...durations, running } }, random);
  }

  const plansBetween = cachePeriods(planPeriod);

  return {
    plansAround(now) {
      const last = periodAt(now);
      const first = Math.max(FIRST_PERIOD, last - LISTED_PERIODS + 1);
      return plansBetween(first, last);
    },
    nextPeriodAt: (now) => periodStartsAt(periodAt(now) + 1),
  };
}

/** Plans each period once: logs and files are cached by plan. Evicts the periods before `first`. */
function cachePeriods(planPeriod: (period: number) => readonly JobPlan[]) {
  const cache = new Map<number, readonly JobPlan[]>();
  return (first: number, last: number): readonly JobPlan[] => {
    for (const period of cache.keys()) if (period < first) cache.delete(period);
    return Array.from({ length: last - first + 1 }, (_, index) => {
      const plans = cache.get(first + index) ?? planPeriod(first + index);
      cache.set(first + index, plans);
      return plans;
    }).flat();
  };
}
