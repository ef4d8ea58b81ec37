import { LRUCache } from 'lru-cache';

/** The entries of one kind, by key. All partitions share the memory limit: the least recently used entry is evicted. */
export interface CachePartition<T> {
  get(key: string): T | undefined;
  /** `bytes` is the size of the value in memory. A value larger than the whole cache is not stored. */
  set(key: string, value: T, bytes: number): void;
  delete(key: string): void;
}

/**
 * The memory budget of a gateway: an LRU cache of at most `maxBytes`, which all caches of values share. Each partition needs
 * a unique name.
 */
export interface MemoryCache {
  readonly maxBytes: number;
  partition<T extends object>(name: string): CachePartition<T>;
  /** Size of all entries in bytes. */
  readonly bytes: number;
}

/** Size of an entry's own objects, without its key and value. Measured. */
const BYTES_PER_ENTRY = 400;

export function createMemoryCache(maxBytes: number): MemoryCache {
  const entries = new LRUCache<string, { value: object; bytes: number }>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }, key) => BYTES_PER_ENTRY + 2 * key.length + Math.ceil(bytes),
  });
  return {
    maxBytes,
    partition<T extends object>(name: string): CachePartition<T> {
      const entryKey = (key: string) => `${name} ${key}`;
      return {
        get: (key) => entries.get(entryKey(key))?.value as T | undefined, // Only this partition writes keys with its name.
        set: (key, value, bytes) => void entries.set(entryKey(key), { value, bytes }),
        delete: (key) => void entries.delete(entryKey(key)),
      };
    },
    get bytes() {
      return entries.calculatedSize;
    },
  };
}
