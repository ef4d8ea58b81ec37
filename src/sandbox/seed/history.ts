import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { drawDurations } from '../simulation/lifecycle.ts';
import { createRandom } from '../simulation/random.ts';
import type { Scenario } from './scenario.ts';
import { planJob } from './scenario-job.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/**
 * Plans the jobs of the weeks before `startedAt`, at speed 1. Their last status change is hours before `startedAt`.
 * Ids depend on the seed only. Jobs are created in pairs that share a second.
 */
export function createHistory(
  seed: number,
  startedAt: number,
  scenarios: readonly Scenario[],
  account: Account,
): readonly JobPlan[] {
  return scenarios.flatMap((scenario, index) => {
    const timing = createRandom(seed, 'history', index);
    const firstCreatedAt = startedAt - (0.5 + 2 * index + timing.between(0, 1.5)) * DAY;
    const intervalMinutes = timing.between(20, 90);
    return scenario.outcomes.map((outcome, nth) => {
      const random = createRandom(seed, 'history', index, nth);
      const createdAt = floorToSecond(firstCreatedAt + Math.floor(nth / 2) * intervalMinutes * MINUTE);
      return planJob(scenario, account, { createdAt, outcome, durations: drawDurations(random, 1) }, random);
    });
  });
}

const floorToSecond = (ms: number) => Math.floor(ms / 1000) * 1000;
