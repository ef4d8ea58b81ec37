import { LRUCache } from 'lru-cache';
import type { SequenceClock } from './sequence-clock.ts';

/** The last invalidation of a key: its sequence number, and its time in milliseconds since the epoch. */
export interface Generation {
  readonly sequence: number;
  readonly at: number;
}

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
const FIRST: Generation = { sequence: 0, at: Number.NEGATIVE_INFINITY };

export function createGenerations(clock: SequenceClock): Generations {
  // With `max` the cache would allocate all entries at once: 2 ms for each of a dozen caches.
  const last = new LRUCache<string, Generation>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });
  return {
    get: (key) => (last.size === 0 ? FIRST : (last.get(key) ?? FIRST)), // Mostly empty: spares the hash of a long key.
    bump: (key) => void last.set(key, { sequence: clock.nextSequence(), at: clock.now() }),
  };
}
