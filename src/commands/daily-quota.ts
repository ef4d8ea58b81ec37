import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { UpstreamError } from '../upstream/errors/upstream-error.ts';

/** What costs money each time, and is counted for that. */
export type MeteredOperation = 'create' | 'graderRun';

/** How many of each a caller may have in a day of UTC; 0 for none at all. */
export type DailyLimits = Readonly<Record<MeteredOperation, number>>;

/** Thrown before anything is sent, when a caller has had as many as it may. */
export class DailyQuotaExceeded extends Error {
  override readonly name = 'CapReached';
  /** Seconds until the next day begins; null when none may ever. */
  readonly retryAfterSeconds: number | null;

  constructor(what: MeteredOperation, most: number, retryAfterSeconds: number | null) {
    super(`Expected at most ${most} ${PLURALS[what]} of one caller in a day (UTC): see ${SETTINGS[what]}.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const PLURALS: Record<MeteredOperation, string> = { create: 'jobs created', graderRun: 'runs of graders' };
const SETTINGS: Record<MeteredOperation, string> = {
  create: 'MAX_CREATES_PER_DAY',
  graderRun: 'MAX_GRADER_RUNS_PER_DAY',
};

/** What one caller may still do today. */
export interface DailyQuota {
  /**
   * Takes one of the caller's for what runs then. It is given back when the upstream has surely not done it, or when
   * `giveBack` says that nothing had to be done. Throws CapReached when there is none left; then nothing runs.
   */
  spend<T>(what: MeteredOperation, run: (giveBack: () => void) => Promise<T>): Promise<T>;
}

const DAY_MS = 86_400_000;
/** Most callers that are remembered; only those who have spent something today are. */
const MAX_CALLERS = 100_000;

/** Counts by the process's clock, for this process: another replica and the next start count for themselves. */
export function createDailyQuotas(clock: Clock, most: DailyLimits): (caller: string) => DailyQuota {
  const spent = new LRUCache<string, { count: number }>({ maxSize: MAX_CALLERS, sizeCalculation: () => 1 });
  let today = 0;

  function take(what: MeteredOperation, caller: string): () => void {
    const day = Math.floor(clock.now() / DAY_MS);
    if (day !== today) spent.clear();
    today = day;
    const key = `${what} ${caller}`;
    const purse = spent.get(key) ?? { count: 0 };
    if (purse.count >= most[what]) {
      const untilTomorrow = Math.ceil(((day + 1) * DAY_MS - clock.now()) / 1000);
      throw new DailyQuotaExceeded(what, most[what], most[what] === 0 ? null : untilTomorrow);
    }
    purse.count++;
    spent.set(key, purse);
    let isTaken = true;
    return () => {
      if (isTaken) purse.count--; // Of its own day, even when another has begun.
      isTaken = false;
      if (purse.count === 0 && spent.get(key) === purse) spent.delete(key);
    };
  }

  return (caller) => ({
    async spend(what, run) {
      const giveBack = take(what, caller);
      try {
        return await run(giveBack);
      } catch (error) {
        if (error instanceof UpstreamError && !error.isOutcomeUnknown) giveBack();
        throw error;
      }
    },
  });
}
