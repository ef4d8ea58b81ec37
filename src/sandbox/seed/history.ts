import type { Account } from '../simulation/account.ts';
import type { JobPlan } from '../simulation/job-plan.ts';
import { drawDurations } from '../simulation/lifecycle.ts';
import { createRandom } from '../simulation/random.ts';
import type { Scenario } from './scenario.ts';
import { planJob } from './scenario-job.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/**
 * The jobs of the weeks before `startedAt`. Each is at its end, or in a status that it never leaves: what had to happen
 * has happened, at real speed, hours before. Ids depend on the seed alone. Jobs come in pairs that share a second.
 */
export function createHistory(
  seed: number,
  startedAt: number,
  campaigns: readonly Scenario[],
  account: Account,
): readonly JobPlan[] {
  return campaigns.flatMap((campaign, index) => {
    const timing = createRandom(seed, 'history', index);
    const begunAt = startedAt - (0.5 + 2 * index + timing.between(0, 1.5)) * DAY;
    const pauseMinutes = timing.between(20, 90);
    return campaign.outcomes.map((outcome, nth) => {
      const random = createRandom(seed, 'history', index, nth);
      const createdAt = wholeSecond(begunAt + Math.floor(nth / 2) * pauseMinutes * MINUTE);
      return planJob(campaign, account, { createdAt, outcome, lasts: drawDurations(random, 1) }, random);
    });
  });
}

const wholeSecond = (ms: number) => Math.floor(ms / 1000) * 1000;
