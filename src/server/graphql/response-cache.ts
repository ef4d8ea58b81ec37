import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { GraphqlReply } from '../http/reply.ts';

const MAX_ENTRY_BYTES = 1024 * 1024;

/** An answer, and which operation gave it. */
export interface Answer {
  readonly reply: GraphqlReply;
  readonly operationName: string | undefined;
}

/** Whole answers to whole requests, given again while everything they were read from is fresh. */
export interface Answers {
  /** `question` has to hold all that the answer depends on: scope, role, what puts it out of date, media type and body. */
  get(question: string): Answer | undefined;
  keep(question: string, answer: Answer, freshUntil: number): void;
}

interface Entry {
  readonly answer: Answer;
  readonly freshUntil: number;
}

/** Keeps answers of at most `maxBytes`, the least recently used go first. */
export function createAnswers(clock: Clock, maxBytes: number): Answers {
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
    keep(question, answer, freshUntil) {
      if (clock.now() < freshUntil) entries.set(question, { answer, freshUntil });
    },
  };
}
