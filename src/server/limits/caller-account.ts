import { type RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Points that are counted together under one key. */
export interface PointsAccount {
  readonly limiter: RateLimiterMemory;
  readonly key: string;
}

/** The accounts that pay together: a request spends its points from each of them. */
export type PointsAccounts = readonly [PointsAccount, ...PointsAccount[]];

/** The points of a caller, for the upstream calls of its subscriptions. Holds nothing of the request that opened them. */
export interface CallerAccount {
  /** Milliseconds until the caller has points; 0 when it has. */
  msUntilPoints(): Promise<number>;
  /** Spends one point, also when none is left. */
  charge(): void;
}

export const UNLIMITED_ACCOUNT: CallerAccount = { msUntilPoints: async () => 0, charge() {} };

/** `accounts` returns the accounts that pay now. */
export function createCallerAccount(accounts: () => PointsAccounts): CallerAccount {
  return {
    async msUntilPoints() {
      let waitMs = 0;
      for (const { limiter, key } of accounts()) {
        const state = await limiter.get(key);
        if (state && state.remainingPoints <= 0) waitMs = Math.max(waitMs, state.msBeforeNext);
      }
      return waitMs;
    },
    charge() {
      for (const { limiter, key } of accounts()) void limiter.penalty(key, 1); // In memory: it does not reject.
    },
  };
}

/** The result of spending points. `state` is that of the account with too few, or of the first. */
export interface Spending {
  readonly state: RateLimiterRes;
  readonly isRejected: boolean;
}

/** Consumes points from every account, or from none when one has too few. */
export async function consumeFromAll([first, ...others]: PointsAccounts, points: number): Promise<Spending> {
  const outcome = await consume(first, points);
  const consumed = [first];
  for (const account of others) {
    if (outcome.isRejected) break;
    consumed.push(account);
    const { state, isRejected } = await consume(account, points);
    if (isRejected) Object.assign(outcome, { state, isRejected });
  }
  // Refund, so that a caller that cannot pay for this request can still pay for a smaller one.
  if (outcome.isRejected) for (const { limiter, key } of consumed) outcome.state = await limiter.reward(key, points);
  return outcome;
}

async function consume({ limiter, key }: PointsAccount, points: number) {
  try {
    return { state: await limiter.consume(key, points), isRejected: false };
  } catch (rejection) {
    if (!(rejection instanceof RateLimiterRes)) throw rejection;
    return { state: rejection, isRejected: true };
  }
}
