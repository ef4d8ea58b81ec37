import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { LimitRefusal } from './limit-error.ts';

/** Takes a place for what this caller begins; what it gives frees it. Throws a Refusal (429) when there is none. */
export type Quota = (caller: string) => () => void;

export interface QuotaOptions {
  /** What takes places, for the refusal. */
  readonly noun: 'Subscriptions' | 'Uploads';
  readonly most: number;
  readonly mostPerCaller: number;
}

export function createQuota({ noun, most, mostPerCaller }: QuotaOptions): Quota {
  const ofCaller = new Map<string, number>();
  let all = 0;
  return (caller) => {
    const own = ofCaller.get(caller) ?? 0;
    if (own >= mostPerCaller) throw tooMany(noun, `at most ${mostPerCaller} of one caller`);
    if (all >= most) throw tooMany(noun, `at most ${most} of all callers together`);
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

function tooMany(noun: string, expected: string): LimitRefusal {
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode };
  return new LimitRefusal(429, new GraphQLError(`${noun}: expected ${expected} at a time.`, { extensions }));
}
