import type { Clock } from '../../clock.ts';
import type { SharedState } from '../shared-state.ts';
import { createMemoryDailyCounts } from './daily-counts.ts';
import { noInvalidations } from './invalidations.ts';
import { createMemoryLedger } from './ledger.ts';
import { createMemoryOpenCounts } from './open-counts.ts';
import { createMemoryPoints } from './points.ts';
import { createMemorySeenIds } from './seen-ids.ts';
import { createMemoryBudget } from './upstream-budget.ts';
import { createMemoryWatch } from './watch.ts';

/** The state of a gateway that is one process. */
export function createMemoryState(clock: Clock): SharedState {
  return {
    isAvailable: true,
    replicas: 1,
    dailyCounts: createMemoryDailyCounts(clock),
    points: createMemoryPoints(),
    subscriptions: createMemoryOpenCounts(),
    ledger: createMemoryLedger(clock),
    webhookIds: createMemorySeenIds(clock),
    watch: createMemoryWatch(),
    invalidations: noInvalidations,
    budget: createMemoryBudget(clock),
    replaceUrl() {},
    findProblem: () => null,
    async dispose() {},
  };
}
