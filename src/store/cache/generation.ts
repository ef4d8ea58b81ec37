import { LRUCache } from 'lru-cache';
import type { SequenceClock } from './sequence-clock.ts';

/** When something was last changed by this gateway: its turn, and the time in milliseconds since the epoch. */
export interface Generation {
  readonly sequence: number;
  readonly at: number;
}

/** What this gateway has changed, by key. What was read in one generation is not believed in the next. */
export interface Generations {
  /** The present one. */
  get(key: string): Generation;
  /** Begins a new one. */
  bump(key: string): void;
}

/** Most keys of which it is remembered. What was forgotten is too old to be kept by then, but for a very busy store. */
const MAX_KEYS = 10_000;
const FIRST: Generation = { sequence: 0, at: Number.NEGATIVE_INFINITY };

export function createGenerations(clock: SequenceClock): Generations {
  // With `max` the cache would allocate all entries at once: 2 ms for each of a dozen caches.
  const last = new LRUCache<string, Generation>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });
  return {
    get: (key) => last.get(key) ?? FIRST,
    bump: (key) => void last.set(key, { sequence: clock.nextSequence(), at: clock.now() }),
  };
}
