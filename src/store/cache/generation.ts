import { LRUCache } from 'lru-cache';
import { BEGINNING, type Instant, type SequenceClock } from './sequence-clock.ts';

/** The last invalidation of a key. */
export type Generation = Instant;

/** Cache generations by key. An entry of one generation is not used in the next. */
export interface Generations {
  /** Returns the current generation. */
  get(key: string): Generation;
  /** Starts the next generation. */
  bump(key: string): void;
}

/**
 * Maximum number of keys. An evicted key returns to the first generation, whose entries have expired by then, unless 10,000
 * other keys were bumped within one TTL.
 */
const MAX_KEYS = 10_000;

export function createGenerations(clock: SequenceClock): Generations {
  // With `max` the cache would allocate all entries at once: 2 ms for each of a dozen caches.
  const last = new LRUCache<string, Generation>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });
  return {
    get: (key) => (last.size === 0 ? BEGINNING : (last.get(key) ?? BEGINNING)), // Mostly empty: spares the hash of a long key.
    bump: (key) => void last.set(key, { sequence: clock.nextSequence(), at: clock.now() }),
  };
}
