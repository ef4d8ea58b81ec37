import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { LimitError } from './limit-error.ts';

/** Takes a place for what this caller begins; what it gives frees it. Throws a Refusal (429) when there is none. */
export type ConcurrencyQuota = (caller: string) => () => void;

export interface ConcurrencyQuotaOptions {
  /** What takes places, for the refusal. */
  readonly noun: 'Subscriptions' | 'Uploads';
  readonly max: number;
  readonly maxPerCaller: number;
}

export function createConcurrencyQuota({ noun, max, maxPerCaller }: ConcurrencyQuotaOptions): ConcurrencyQuota {
  const ofCaller = new Map<string, number>();
  let all = 0;
  return (caller) => {
    const own = ofCaller.get(caller) ?? 0;
    if (own >= maxPerCaller) throw tooMany(noun, `at most ${maxPerCaller} of one caller`);
    if (all >= max) throw tooMany(noun, `at most ${max} of all callers together`);
    ofCaller.set(caller, own + 1);
    all++;
    return () => {
      all--;
      const left = (ofCaller.get(caller) ?? 1) - 1;
      if (left > 0) ofCaller.set(caller, left);
      else ofCaller.delete(caller);
    };
  };
}

function tooMany(noun: string, expected: string): LimitError {
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode };
  return new LimitError(429, new GraphQLError(`${noun}: expected ${expected} at a time.`, { extensions }));
}
