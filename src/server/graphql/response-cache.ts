import type { Clock } from '../../clock.ts';
import type { MemoryCache } from '../../memory-cache.ts';
import type { LoggedContext } from '../../request/context.ts';
import { refreshAge } from '../../store/cache/refresh-ahead.ts';
import { ownBytes } from '../http/compressed-forms.ts';
import type { GraphqlReply } from '../http/reply.ts';

const MAX_ENTRY_BYTES = 1024 * 1024;
/** Estimated size of a response without the bytes of its body. */
const BYTES_PER_RESPONSE = 400;

/** A response, and the facts about the operation that produced it, which are logged with each use. */
export interface CachedResponse {
  readonly reply: GraphqlReply;
  readonly context: LoggedContext;
}

/**
 * Whole responses by request, valid while all data in them is fresh. `key` has to contain everything that determines the
 * response: scope, role, cache generation, media type and body.
 */
export interface ResponseCache {
  get(key: string): CachedResponse | undefined;
  set(key: string, response: CachedResponse, freshUntil: number): void;
  /**
   * Returns true for the one reader that has to refresh a response near its end, so that its other readers never wait. A
   * refresh that fails is not repeated.
   */
  startRefresh(response: CachedResponse): boolean;
  /** Lets another reader refresh the response: this one has not tried. */
  releaseRefresh(response: CachedResponse): void;
  isFresh(response: CachedResponse): boolean;
}

interface Entry extends CachedResponse {
  readonly freshUntil: number;
  /** Infinity once the refresh has started. */
  refreshAt: number;
}

export function createResponseCache(clock: Clock, memoryCache: MemoryCache, random = Math.random): ResponseCache {
  const entries = memoryCache.partition<Entry>('response');
  const isFresh = (response: CachedResponse) => clock.now() < (response as Entry).freshUntil; // `get` returns entries.
  /** Adds the compressed forms of an entry to its size. */
  function countForms(key: string, entry: Entry, bytes: number): (formBytes: number) => void {
    let total = bytes;
    return (formBytes) => {
      total += formBytes;
      if (entries.get(key) === entry) entries.set(key, entry, total);
    };
  }

  return {
    get(key) {
      const entry = entries.get(key);
      return entry && isFresh(entry) ? entry : undefined;
    },
    set(key, { reply, context }, freshUntil) {
      const bytes = BYTES_PER_RESPONSE + reply.body.length;
      const now = clock.now();
      if (bytes > MAX_ENTRY_BYTES || now >= freshUntil) return;
      // A refresh that has got the same data is not repeated.
      const isRefreshable = freshUntil > (entries.get(key)?.freshUntil ?? Number.NEGATIVE_INFINITY);
      const refreshAt = isRefreshable ? now + refreshAge(random()) * (freshUntil - now) : Number.POSITIVE_INFINITY;
      const entry = { reply: { ...reply, body: ownBytes(reply.body) }, context, freshUntil, refreshAt };
      entries.set(key, entry, bytes);
      if (reply.forms) reply.forms.onCreate = countForms(key, entry, bytes);
    },
    startRefresh(response) {
      const entry = response as Entry;
      if (entry.refreshAt === Number.POSITIVE_INFINITY || clock.now() < entry.refreshAt) return false;
      entry.refreshAt = Number.POSITIVE_INFINITY;
      return true;
    },
    releaseRefresh(response) {
      (response as Entry).refreshAt = clock.now();
    },
    isFresh,
  };
}
