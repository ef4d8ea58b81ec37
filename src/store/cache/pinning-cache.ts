import type { CachePartition } from '../../memory-cache.ts';

/** A cache partition with pinned keys. A pinned entry is not evicted, and exists even where caching is disabled. */
export interface PinningCache<T> extends CachePartition<T> {
  /** Whether no entry can exist: caching is disabled, and no key is pinned. */
  readonly isEmpty: boolean;
  /** Pins a key, with `value` if there is no entry. Several pins can hold one key. Returns an unpin function. */
  pin(key: string, value?: T): () => void;
}

export function createPinningCache<T>(cache: CachePartition<T> | null): PinningCache<T> {
  const pinned = new Map<string, { value: T | undefined; pins: number }>();
  return {
    get isEmpty() {
      return cache === null && pinned.size === 0;
    },
    get: (key) => pinned.get(key)?.value ?? cache?.get(key),
    set(key, value, bytes) {
      const entry = pinned.get(key);
      if (entry) entry.value = value;
      cache?.set(key, value, bytes);
    },
    delete(key) {
      const entry = pinned.get(key);
      if (entry) entry.value = undefined;
      cache?.delete(key);
    },
    pin(key, value) {
      const entry = pinned.get(key) ?? { value: cache?.get(key) ?? value, pins: 0 };
      pinned.set(key, entry);
      entry.pins++;
      let isPinned = true;
      return () => {
        if (isPinned && --entry.pins === 0) pinned.delete(key);
        isPinned = false;
      };
    },
  };
}
