import type { Clock } from '../clock.ts';
import { type BudgetShare, type CallBudget, RESERVE_SHARE, SUBSCRIPTION_SHARE } from './upstream-budget.ts';

/** The first tokens of a bucket, and the time since which it fills. By default it is full. */
interface Start {
  readonly tokens: number;
  readonly at: number;
}

/** A budget that one process has for itself: a token bucket. */
export function createTokenBucket(perSecond: number, clock: Clock, start?: Start): CallBudget {
  const capacity = Math.max(1, perSecond); // A share of the rate can be less than one call per second.
  const reserve = Math.floor(perSecond * RESERVE_SHARE);
  let tokens = start?.tokens ?? capacity;
  let subscriptionTokens = tokens;
  let refilledAt = start?.at ?? clock.now();

  /** Tokens that must be earned before a call may be made; 0 when it may be made now. */
  function missingTokens(share: BudgetShare): number {
    if (share === 'subscription') return Math.max(0, 1 - tokens, (1 - subscriptionTokens) / SUBSCRIPTION_SHARE);
    return Math.max(0, (share === 'spare' ? 1 + reserve : 1) - tokens);
  }

  return {
    perSecond,
    get saved() {
      return tokens;
    },
    refresh() {
      const now = clock.now();
      const earned = ((now - refilledAt) * perSecond) / 1000;
      tokens = Math.min(capacity, tokens + earned);
      subscriptionTokens = Math.min(capacity, subscriptionTokens + earned * SUBSCRIPTION_SHARE);
      refilledAt = now;
    },
    waitMs: (share) => (missingTokens(share) * 1000) / perSecond,
    spend(share) {
      tokens -= 1;
      if (share === 'subscription') subscriptionTokens -= 1;
    },
    expect() {},
  };
}
