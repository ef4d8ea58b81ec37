import { GraphQLError } from 'graphql';
import type { ErrorCode } from '../schema/errors.ts';
import { LimitRefusal } from './limit-refusal.ts';
import type { LiveConfig } from './live-config.ts';

/** Takes a place for a subscription of this caller's; what it gives frees it. Throws a Refusal (429) when there is none. */
export type Quota = (caller: string) => () => void;

export function createQuota({
  maxSubscriptions,
  maxSubscriptionsPerCaller,
}: Pick<LiveConfig, 'maxSubscriptions' | 'maxSubscriptionsPerCaller'>): Quota {
  const ofCaller = new Map<string, number>();
  let all = 0;
  return (caller) => {
    const own = ofCaller.get(caller) ?? 0;
    if (own >= maxSubscriptionsPerCaller) throw tooMany(`at most ${maxSubscriptionsPerCaller} of one caller`);
    if (all >= maxSubscriptions) throw tooMany(`at most ${maxSubscriptions} of all callers together`);
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

function tooMany(expected: string): LimitRefusal {
  const extensions = { code: 'RATE_LIMITED' satisfies ErrorCode };
  return new LimitRefusal(429, new GraphQLError(`Subscriptions: expected ${expected} at a time.`, { extensions }));
}
