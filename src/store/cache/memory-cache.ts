import { LRUCache } from 'lru-cache';

/** What is kept of one kind, by key. It shares its room with the other shelves: the least recently used goes first. */
export interface CachePartition<T> {
  get(key: string): T | undefined;
  /** `weight` is what the value takes in memory, in bytes. What is heavier than all the room is not kept. */
  set(key: string, value: T, weight: number): void;
  delete(key: string): void;
}

/** A room of at most `maxBytes`. `shelf` makes a shelf in it; each needs a noun of its own. */
export interface MemoryCache {
  partition<T extends object>(noun: string): CachePartition<T>;
  /** Bytes that everything kept takes now. */
  readonly bytes: number;
}

/** An entry's own objects, beside its key and value. Measured. */
const BYTES_PER_ENTRY = 400;

export function createMemoryCache(maxBytes: number): MemoryCache {
  const entries = new LRUCache<string, { value: object; weight: number }>({
    maxSize: maxBytes,
    sizeCalculation: ({ weight }, key) => BYTES_PER_ENTRY + 2 * key.length + Math.ceil(weight),
  });
  return {
    partition<T extends object>(noun: string): CachePartition<T> {
      const address = (key: string) => `${noun} ${key}`;
      return {
        get: (key) => entries.get(address(key))?.value as T | undefined, // Only this shelf's `set` writes at its noun.
        set: (key, value, weight) => void entries.set(address(key), { value, weight }),
        delete: (key) => void entries.delete(address(key)),
      };
    },
    get bytes() {
      return entries.calculatedSize;
    },
  };
}
