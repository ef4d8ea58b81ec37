import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { drawDurations } from '../simulation/lifecycle.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { failures, type JobOutcome } from './job-outcome.ts';
import type { Scenario } from './scenario.ts';
import { planJob } from './scenario-job.ts';

/** What is always moving: in each lane one job at a time, the next one created the moment that the last one ends. */
export const GENERATORS = [0, 1, 2] as const;
export type GeneratorNumber = (typeof GENERATORS)[number];

/**
 * A lane is cut into slots without gaps, of about this many ms of real time: the n-th begins n slots after the start of
 * the sandbox, a third of a slot later per lane, and late by a random part of a slot. So any slot can be worked out
 * from its number alone.
 */
const PERIOD_MS = 1_000_000;
const LATEST = 0.3;

/** Slot -1 is under way when the sandbox starts; no lane had jobs before it. */
const FIRST_PERIOD = -1;
/** Slots that stay in the list, per lane; with at most two jobs each, at most 300 jobs in all. */
const CACHED_PERIODS = 50;

export interface JobGeneratorOptions {
  readonly seed: number;
  readonly speed: number;
  /** When the sandbox started, ms since the epoch. Part of every random key: another run has other jobs. */
  readonly startedAt: number;
  readonly scenarios: readonly Scenario[];
  readonly account: Account;
}

export interface JobGenerator {
  /** The jobs to be listed at `now`; some may be created a little later only. */
  plansAround(now: number): readonly JobPlan[];
  /** When the slot after the present one begins, ms since the epoch. */
  nextPeriodAt(now: number): number;
}

export function createJobGenerator(
  lane: GeneratorNumber,
  { seed, speed, startedAt, scenarios, account }: JobGeneratorOptions,
): JobGenerator {
  const offset = lane / GENERATORS.length;

  function slotBeginsAt(slot: number): number {
    const lateness = createRandom(seed, startedAt, lane, slot, 'lateness').between(0, LATEST);
    return Math.ceil(startedAt + ((slot + offset + lateness) * PERIOD_MS) / speed);
  }

  function slotAt(now: number): number {
    const slot = Math.floor(((now - startedAt) * speed) / PERIOD_MS - offset);
    return slotBeginsAt(slot) <= now ? slot : slot - 1;
  }

  function plansOf(slot: number): readonly JobPlan[] {
    const random = createRandom(seed, startedAt, lane, slot);
    const campaign = random.pick(scenarios);
    const beginsAt = slotBeginsAt(slot);
    const misfit = random.chance(0.2) ? planMisfit(campaign, beginsAt, random) : null;
    const createdAt = misfit?.changes.at(-1)?.at ?? beginsAt;
    const main = planMain(campaign, createdAt, slotBeginsAt(slot + 1), random);
    return misfit === null ? [main] : [misfit, main];
  }

  /** A job that fails validation; the one after it is the second try. */
  function planMisfit(campaign: Scenario, createdAt: number, random: Random): JobPlan {
    const seedOfJob = { createdAt, outcome: random.pick(failures), lasts: drawDurations(random, speed) };
    return planJob(campaign, account, seedOfJob, random);
  }

  function planMain(campaign: Scenario, createdAt: number, endsAt: number, random: Random): JobPlan {
    const outcome: JobOutcome = random.chance(0.2) ? 'cancelled' : 'succeeded';
    const lasts = drawDurations(random, speed);
    const running = endsAt - createdAt - lasts.validating_files - lasts.queued;
    return planJob(campaign, account, { createdAt, outcome, lasts: { ...lasts, running } }, random);
  }

  const plansBetween = planOnce(plansOf);

  return {
    plansAround(now) {
      const last = slotAt(now);
      const first = Math.max(FIRST_PERIOD, last - CACHED_PERIODS + 1);
      return plansBetween(first, last);
    },
    nextPeriodAt: (now) => slotBeginsAt(slotAt(now) + 1),
  };
}

/** Plans each slot once, as a job's log and files are kept by its plan; forgets the slots before `first`. */
function planOnce(plansOf: (slot: number) => readonly JobPlan[]) {
  const planned = new Map<number, readonly JobPlan[]>();
  return (first: number, last: number): readonly JobPlan[] => {
    for (const slot of planned.keys()) if (slot < first) planned.delete(slot);
    return Array.from({ length: last - first + 1 }, (_, index) => {
      const plans = planned.get(first + index) ?? plansOf(first + index);
      planned.set(first + index, plans);
      return plans;
    }).flat();
  };
}
