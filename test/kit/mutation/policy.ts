import { systemClock } from '../../../src/clock.ts';
import { createDailyQuotas } from '../../../src/commands/daily-quota.ts';
import type { MutationPolicy } from '../../../src/commands/mutation-policy.ts';
import { createMemoryDailyCounts } from '../../../src/state/memory/daily-counts.ts';

/** The policy of a gateway that does not allow mutations. */
export const NO_MUTATIONS: MutationPolicy = {
  isAllowed: false,
  quotaOf: createDailyQuotas(createMemoryDailyCounts(systemClock), { create: 0, graderRun: 0 }),
  audit: { begin: () => {}, end: () => {} },
};
