import { DAY_MS, type DailyCounts, dayOf } from '../state/daily-counts.ts';
import { UpstreamError } from '../upstream/errors/upstream-error.ts';

/** Operations that cost money. Each has a daily quota per caller. */
export type MeteredOperation = 'create' | 'graderRun';

/** Maximum operations per caller and day (UTC); 0 allows none. */
export type DailyLimits = Readonly<Record<MeteredOperation, number>>;

const SETTINGS: Record<MeteredOperation, string> = {
  create: 'MAX_CREATES_PER_DAY',
  graderRun: 'MAX_GRADER_RUNS_PER_DAY',
};
const ACTIONS: Record<MeteredOperation, string> = { create: 'creating jobs', graderRun: 'running graders' };

/** Thrown when a caller has used up a daily quota. No upstream call was sent. */
export class DailyQuotaExceeded extends Error {
  override readonly name = 'DailyQuotaExceeded';
  /** Seconds until the quota resets; null when the limit is 0. */
  readonly retryAfterSeconds: number | null;

  /** `now` is in milliseconds since the epoch. */
  constructor(operation: MeteredOperation, limit: number, now: number) {
    const resetsAt = (dayOf(now) + 1) * DAY_MS;
    const resetTime = new Date(resetsAt).toISOString().replace('.000Z', 'Z');
    const problem =
      limit === 0
        ? `is 0, which disables ${ACTIONS[operation]}; expected at least 1 to allow it`
        : `the caller's daily quota for ${ACTIONS[operation]} (${limit}) is used up; it resets at ${resetTime} (midnight UTC)`;
    super(`${SETTINGS[operation]}: ${problem}.`);
    this.retryAfterSeconds = limit === 0 ? null : Math.ceil((resetsAt - now) / 1000);
  }
}

/** The daily quota of one caller. */
export interface DailyQuota {
  /**
   * Takes one unit of the quota and runs the operation. Refunds the unit when `run` calls `refund`, or when the upstream
   * has certainly not done the operation. Rejects without running it: with DailyQuotaExceeded when no unit is left, with
   * FleetUnavailable when replicas share the quota and cannot count it now.
   */
  spend<T>(operation: MeteredOperation, run: (refund: () => void) => Promise<T>): Promise<T>;
  /** Whether no unit of the quota is left, as far as this replica knows. */
  isUsedUp(operation: MeteredOperation): boolean;
}

/** Counts per process in memory, or in all replicas together. */
export function createDailyQuotas(counts: DailyCounts, limits: DailyLimits): (caller: string) => DailyQuota {
  async function take(operation: MeteredOperation, caller: string): Promise<() => void> {
    const limit = limits[operation];
    if (limit === 0) throw new DailyQuotaExceeded(operation, limit, 0);
    if (limit === Number.POSITIVE_INFINITY) return () => {};
    const unit = await counts.take(operation, caller, limit);
    if (!unit.isTaken) throw new DailyQuotaExceeded(operation, limit, unit.at);
    return unit.refund;
  }

  return (caller) => ({
    isUsedUp: (operation) => counts.countOf(operation, caller) >= limits[operation],
    async spend(operation, run) {
      const refund = await take(operation, caller);
      try {
        return await run(refund);
      } catch (error) {
        if (error instanceof UpstreamError && !error.isOutcomeUnknown) refund();
        throw error;
      }
    },
  });
}
