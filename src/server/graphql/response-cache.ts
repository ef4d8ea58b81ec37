import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { GraphqlReply } from '../http/reply.ts';

const MAX_ENTRY_BYTES = 1024 * 1024;

/** An answer, and which operation gave it. */
export interface CachedResponse {
  readonly reply: GraphqlReply;
  readonly operationName: string | undefined;
}

/** Whole answers to whole requests, given again while everything they were read from is fresh. */
export interface ResponseCache {
  /** `question` has to hold all that the answer depends on: scope, role, what puts it out of date, media type and body. */
  get(question: string): CachedResponse | undefined;
  set(question: string, answer: CachedResponse, freshUntil: number): void;
}

interface Entry {
  readonly answer: CachedResponse;
  readonly freshUntil: number;
}

/** Keeps answers of at most `maxBytes`, the least recently used go first. */
export function createResponseCache(clock: Clock, maxBytes: number): ResponseCache {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    maxEntrySize: Math.min(MAX_ENTRY_BYTES, maxBytes),
    sizeCalculation: ({ answer }, question) => 200 + question.length + 2 * answer.reply.body.length,
  });
  return {
    get(question) {
      const entry = entries.get(question);
      return entry && clock.now() < entry.freshUntil ? entry.answer : undefined;
    },
    set(question, answer, freshUntil) {
      if (clock.now() < freshUntil) entries.set(question, { answer, freshUntil });
    },
  };
}
