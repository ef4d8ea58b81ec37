import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import { isOfSubscription, type Priority } from './call-claims.ts';
import { type CallTurns, createTurnQueue, type Turn } from './turn-queue.ts';

/** A request for permission to make one call. */
export interface CallTicket {
  readonly turns: CallTurns;
  readonly signal: AbortSignal;
  /** Maximum wait in milliseconds. */
  readonly maxWaitMs: number;
}

/** A token bucket with priorities. The organization's rate limit is shared with its other programs. */
export interface CallRateLimiter {
  /** Admits a call that may be made at once while no call waits. */
  tryAcquire(turn: Turn): boolean;
  /**
   * Resolves when the call may be made; undefined when it may be made at once. Rejects with the reason of the signal. Throws
   * UPSTREAM_RATE_LIMITED at once when the wait could exceed `maxWaitMs`.
   */
  acquire(ticket: CallTicket): Promise<unknown> | undefined;
}

/** Share of the rate that all subscriptions together may use: open ones would otherwise use all that is left, permanently. */
export const SUBSCRIPTION_SHARE = 0.5;
/** Share of the saved tokens that credentials which the upstream has not accepted yet leave to the others. */
const RESERVE_SHARE = 0.5;

/** Allows `perSecond` calls per second, and a burst of as many after an idle second. */
export function createCallRateLimiter(perSecond: number, clock: Clock): CallRateLimiter {
  const queue = createTurnQueue(schedule);
  const reserve = Math.floor(perSecond * RESERVE_SHARE);
  let tokens = perSecond;
  let subscriptionTokens = perSecond;
  let refilledAt = clock.now();
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  function refill() {
    const now = clock.now();
    const earned = ((now - refilledAt) * perSecond) / 1000;
    tokens = Math.min(perSecond, tokens + earned);
    subscriptionTokens = Math.min(perSecond, subscriptionTokens + earned * SUBSCRIPTION_SHARE);
    refilledAt = now;
  }

  /** Tokens that must be earned before a call of this priority may be made; 0 when it may be made now. */
  function missingTokens(priority: Priority, isOverdue: boolean): number {
    if (isOfSubscription(priority)) return Math.max(0, 1 - tokens, (1 - subscriptionTokens) / SUBSCRIPTION_SHARE);
    return Math.max(0, (priority === 'unverified' && !isOverdue ? 1 + reserve : 1) - tokens);
  }

  const isAllowed = ({ priority }: Turn, isOverdue: boolean) => missingTokens(priority, isOverdue) === 0;

  function spend({ priority }: Turn) {
    tokens -= 1;
    if (isOfSubscription(priority)) subscriptionTokens -= 1;
  }

  function drain() {
    timer = null;
    refill();
    for (let turn = queue.admitNext(isAllowed); turn !== undefined; turn = queue.admitNext(isAllowed)) spend(turn);
    schedule();
  }

  // One timer for all waiting calls: it fires when the next of them may be made.
  function schedule() {
    const missing = queue.waiting().map(({ priority, isOverdue }) => missingTokens(priority, isOverdue));
    const waitMs = missing.length === 0 ? Number.POSITIVE_INFINITY : (Math.min(...missing) * 1000) / perSecond;
    const at = clock.now() + Math.max(1, Math.ceil(waitMs));
    if (timer !== null && timer.at <= at && missing.length > 0) return;
    timer?.cancel();
    timer = missing.length === 0 ? null : { at, cancel: clock.after(at - clock.now(), drain) };
  }

  /** Maximum milliseconds until a call with this turn may be made. */
  function maxWaitOf(turn: Turn): number {
    const ahead = queue.countAhead(turn);
    const missing = ahead + 1 - tokens + (turn.priority === 'unverified' ? reserve : 0);
    return (missing * 1000) / perSecond;
  }

  return {
    tryAcquire(turn) {
      if (!queue.isEmpty) return false;
      refill();
      if (!isAllowed(turn, false)) return false;
      spend(turn);
      return true;
    },
    acquire({ turns, signal, maxWaitMs }) {
      refill();
      const { current } = turns;
      const allowed = current.find((turn) => isAllowed(turn, false));
      if (allowed && (queue.isEmpty || !queue.hasNext(isAllowed))) {
        spend(allowed);
        return undefined;
      }
      if (maxWaitMs < Number.POSITIVE_INFINITY) {
        const waitMs = Math.min(...current.map(maxWaitOf));
        if (waitMs > maxWaitMs) throw queueTooLong(waitMs);
      }
      return queue.wait(turns, signal);
    },
  };
}

const queueTooLong = (waitMs: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not sent: the queue of upstream calls is too long', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
