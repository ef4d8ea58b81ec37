import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { UpstreamError } from '../upstream/errors/upstream-error.ts';

/** Operations that cost money. Each has a daily quota per caller. */
export type MeteredOperation = 'create' | 'graderRun';

/** Maximum operations per caller and day (UTC); 0 allows none. */
export type DailyLimits = Readonly<Record<MeteredOperation, number>>;

const DAY_MS = 86_400_000;
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

/** Days since the epoch, UTC. */
const dayOf = (now: number) => Math.floor(now / DAY_MS);

/** The daily quota of one caller. */
export interface DailyQuota {
  /**
   * Takes one unit of the quota and runs the operation. Refunds the unit when `run` calls `refund`, or when the upstream
   * has certainly not done the operation. Rejects with DailyQuotaExceeded, without running it, when no unit is left.
   */
  spend<T>(operation: MeteredOperation, run: (refund: () => void) => Promise<T>): Promise<T>;
  /** Whether no unit of the quota is left now. */
  isUsedUp(operation: MeteredOperation): boolean;
}

/** Maximum number of callers with a count. Only callers that have used quota today have one. */
const MAX_CALLERS = 100_000;

/** Counts per process, in memory: each replica has its own counts, and a restart resets them. */
export function createDailyQuotas(clock: Clock, limits: DailyLimits): (caller: string) => DailyQuota {
  const counters = new LRUCache<string, { count: number }>({ maxSize: MAX_CALLERS, sizeCalculation: () => 1 });
  let today = 0;

  /** Returns the counter of today. */
  function find(operation: MeteredOperation, caller: string) {
    const now = clock.now();
    if (dayOf(now) !== today) counters.clear();
    today = dayOf(now);
    const key = `${operation} ${caller}`;
    const counter = counters.get(key) ?? { count: 0 };
    return { now, key, counter, isUsedUp: counter.count >= limits[operation] };
  }

  /** Returns the refund function. */
  function take(operation: MeteredOperation, caller: string): () => void {
    const { now, key, counter, isUsedUp } = find(operation, caller);
    if (isUsedUp) throw new DailyQuotaExceeded(operation, limits[operation], now);
    counter.count++;
    counters.set(key, counter);
    let isRefunded = false;
    return () => {
      if (!isRefunded) counter.count--; // The counter of the day of the operation, even after that day.
      isRefunded = true;
      if (counter.count === 0 && counters.get(key) === counter) counters.delete(key);
    };
  }

  return (caller) => ({
    isUsedUp: (operation) => find(operation, caller).isUsedUp,
    async spend(operation, run) {
      const refund = take(operation, caller);
      try {
        return await run(refund);
      } catch (error) {
        if (error instanceof UpstreamError && !error.isOutcomeUnknown) refund();
        throw error;
      }
    },
  });
}
