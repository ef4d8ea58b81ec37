import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Points, PointsAccount, PointsBalance, Spending } from '../points.ts';

export const WINDOW_SECONDS = 60;

/** The points of the callers of one process. The library uses the system clock. */
export function createMemoryPoints(): Points {
  const limiters = new Map<PointsAccount['kind'], RateLimiterMemory>();

  function limiterOf({ kind, max }: PointsAccount): RateLimiterMemory {
    let limiter = limiters.get(kind);
    if (limiter === undefined) {
      limiter = new RateLimiterMemory({ points: max, duration: WINDOW_SECONDS });
      limiters.set(kind, limiter);
    }
    if (limiter.points !== max) limiter.points = max; // A replica's share has changed.
    return limiter;
  }

  async function consume(
    account: PointsAccount,
    points: number,
  ): Promise<{ -readonly [K in keyof Spending]: Spending[K] }> {
    try {
      return { state: await limiterOf(account).consume(account.key, points), isRejected: false };
    } catch (rejection) {
      if (!(rejection instanceof RateLimiterRes)) throw rejection;
      return { state: rejection, isRejected: true };
    }
  }

  return {
    async consume([first, ...others], points) {
      const outcome = await consume(first, points);
      const consumed = [first];
      for (const account of others) {
        if (outcome.isRejected) break;
        consumed.push(account);
        const { state, isRejected } = await consume(account, points);
        if (isRejected) Object.assign(outcome, { state, isRejected });
      }
      // Refund, so that a caller that cannot pay for this request can still pay for a smaller one.
      if (outcome.isRejected)
        for (const account of consumed) outcome.state = await limiterOf(account).reward(account.key, points);
      return outcome;
    },
    async charge(account, points) {
      await limiterOf(account).penalty(account.key, points);
    },
    async transfer(from, to, points) {
      await limiterOf(from).reward(from.key, points);
      await limiterOf(to).penalty(to.key, points);
    },
    async msUntilPoints(accounts) {
      let waitMs = 0;
      for (const account of accounts) {
        const state: PointsBalance | null = await limiterOf(account).get(account.key);
        if (state && state.remainingPoints <= 0) waitMs = Math.max(waitMs, state.msBeforeNext);
      }
      return waitMs;
    },
  };
}
