import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { GraphqlReply } from '../http/reply.ts';

const MAX_ENTRY_BYTES = 1024 * 1024;
/** Estimated size of an entry without its key and body. */
const BYTES_PER_ENTRY = 200;

/** A response, and the name of the operation that produced it. */
export interface CachedResponse {
  readonly reply: GraphqlReply;
  readonly operationName: string | undefined;
}

/** Whole responses by request, valid while all data in them is fresh. */
export interface ResponseCache {
  /** `key` has to contain everything that determines the response: scope, role, cache generation, media type and body. */
  get(key: string): CachedResponse | undefined;
  set(key: string, response: CachedResponse, freshUntil: number): void;
}

interface Entry {
  readonly response: CachedResponse;
  readonly freshUntil: number;
}

/** Creates a cache of at most `maxBytes`, which evicts the least recently used entry. */
export function createResponseCache(clock: Clock, maxBytes: number): ResponseCache {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    maxEntrySize: Math.min(MAX_ENTRY_BYTES, maxBytes),
    sizeCalculation: ({ response }, key) => BYTES_PER_ENTRY + key.length + 2 * response.reply.body.length,
  });
  return {
    get(key) {
      const entry = entries.get(key);
      return entry && clock.now() < entry.freshUntil ? entry.response : undefined;
    },
    set(key, response, freshUntil) {
      if (clock.now() < freshUntil) entries.set(key, { response, freshUntil });
    },
  };
}
