import type { Clock } from '../../clock.ts';
import type { MemoryCache } from '../../memory-cache.ts';
import type { GraphqlReply } from '../http/reply.ts';

const MAX_ENTRY_BYTES = 1024 * 1024;
/** Estimated size of a response without its body. */
const BYTES_PER_RESPONSE = 200;

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

export function createResponseCache(clock: Clock, memoryCache: MemoryCache): ResponseCache {
  const entries = memoryCache.partition<Entry>('response');
  return {
    get(key) {
      const entry = entries.get(key);
      return entry && clock.now() < entry.freshUntil ? entry.response : undefined;
    },
    set(key, response, freshUntil) {
      const bytes = BYTES_PER_RESPONSE + 2 * response.reply.body.length;
      if (bytes <= MAX_ENTRY_BYTES && clock.now() < freshUntil) entries.set(key, { response, freshUntil }, bytes);
    },
  };
}
