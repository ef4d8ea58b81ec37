import { systemClock } from '../../../src/clock.ts';
import { createDailyQuotas } from '../../../src/commands/daily-quota.ts';
import type { MutationPolicy } from '../../../src/commands/mutation-policy.ts';

/** Of a gateway that changes nothing. */
export const NO_MUTATIONS: MutationPolicy = {
  isAllowed: false,
  quotaOf: createDailyQuotas(systemClock, { create: 0, graderRun: 0 }),
  audit: () => {},
};
