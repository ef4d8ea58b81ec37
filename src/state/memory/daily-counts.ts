import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { type DailyCounts, dayOf } from '../daily-counts.ts';

/** Maximum number of callers with a count. Only callers that have used quota today have one. */
const MAX_CALLERS = 100_000;

/** The counts of one process. A restart resets them. */
export function createMemoryDailyCounts(clock: Clock): DailyCounts {
  const counters = new LRUCache<string, { count: number }>({ maxSize: MAX_CALLERS, sizeCalculation: () => 1 });
  let today = 0;

  /** Returns the counter of today. */
  function find(operation: string, caller: string) {
    const now = clock.now();
    if (dayOf(now) !== today) counters.clear();
    today = dayOf(now);
    const key = `${operation} ${caller}`;
    return { now, key, counter: counters.get(key) ?? { count: 0 } };
  }

  return {
    countOf: (operation, caller) => find(operation, caller).counter.count,
    take(operation, caller, limit) {
      const { now, key, counter } = find(operation, caller);
      if (counter.count >= limit) return { isTaken: false, at: now };
      counter.count++;
      counters.set(key, counter);
      let isRefunded = false;
      return {
        isTaken: true,
        refund() {
          if (!isRefunded) counter.count--; // The counter of the day of the operation, even after that day.
          isRefunded = true;
          if (counter.count === 0 && counters.get(key) === counter) counters.delete(key);
        },
      };
    },
  };
}
