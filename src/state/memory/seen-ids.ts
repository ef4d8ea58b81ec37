import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { SeenIds } from '../seen-ids.ts';

/** Maximum number of stored ids. */
const MAX_IDS = 10_000;

export function createMemorySeenIds(clock: Clock): SeenIds {
  const expiries = new LRUCache<string, number>({ maxSize: MAX_IDS, sizeCalculation: () => 1 });
  return {
    record(id, ttlMs) {
      const now = clock.now();
      if (now <= (expiries.get(id) ?? Number.NEGATIVE_INFINITY)) return true;
      expiries.set(id, now + ttlMs);
      return false;
    },
    forget: (id) => void expiries.delete(id),
  };
}
