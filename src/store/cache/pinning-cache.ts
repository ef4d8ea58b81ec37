import type { CachePartition } from './memory-cache.ts';

/** A shelf some of whose keys are held: what is set there stays, however full the room is and where nothing else is kept. */
export interface PinningCache<T> extends CachePartition<T> {
  /** Holds a key until what it returns is called, with `value` where nothing is kept; several can hold the same. */
  pin(key: string, value?: T): () => void;
}

export function createPinningCache<T>(cache: CachePartition<T> | null): PinningCache<T> {
  const held = new Map<string, { value: T | undefined; holders: number }>();
  return {
    get: (key) => held.get(key)?.value ?? cache?.get(key),
    set(key, value, weight) {
      const entry = held.get(key);
      if (entry) entry.value = value;
      cache?.set(key, value, weight);
    },
    delete(key) {
      const entry = held.get(key);
      if (entry) entry.value = undefined;
      cache?.delete(key);
    },
    pin(key, value) {
      const entry = held.get(key) ?? { value: cache?.get(key) ?? value, holders: 0 };
      held.set(key, entry);
      entry.holders++;
      let isHeld = true;
      return () => {
        if (isHeld && --entry.holders === 0) held.delete(key);
        isHeld = false;
      };
    },
  };
}
