import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { GraphqlReply } from './reply.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_ENTRY_BYTES = 1024 * 1024;

/** An answer, and which operation gave it. */
export interface Answer {
  readonly reply: GraphqlReply;
  readonly operationName: string | undefined;
}

/** Whole answers to whole requests, given again while everything they were read from is fresh. */
export interface Answers {
  /** `question` has to hold all that the answer depends on: scope, role, media type and the body's bytes. */
  get(question: string): Answer | undefined;
  keep(question: string, answer: Answer, freshUntil: number): void;
}

interface Entry {
  readonly answer: Answer;
  readonly freshUntil: number;
}

export function createAnswers(clock: Clock): Answers {
  const entries = new LRUCache<string, Entry>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ENTRY_BYTES,
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
