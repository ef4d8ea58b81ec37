import type { Clock } from '../../clock.ts';
import { createTokenBucket } from '../../state/token-bucket.ts';
import { type BudgetShare, type CallCounts, RESERVE_SHARE, type UpstreamBudget } from '../../state/upstream-budget.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import { isOfSubscription, type Priority } from './call-claims.ts';
import { type CallTurns, createTurnQueue, type Turn, type TurnQueue } from './turn-queue.ts';

/** A request for permission to make one call. */
export interface CallTicket {
  readonly turns: CallTurns;
  readonly signal: AbortSignal;
  /** Maximum wait in milliseconds. */
  readonly maxWaitMs: number;
}

/** A rate limit with priorities. The organization's rate limit is shared with its other programs. */
export interface CallRateLimiter {
  /** Admits a call that may be made at once while no call waits. */
  tryAcquire(turn: Turn): boolean;
  /**
   * Resolves when the call may be made; undefined when it may be made at once. Rejects with the reason of the signal. Throws
   * UPSTREAM_RATE_LIMITED at once when the wait could exceed `maxWaitMs`.
   */
  acquire(ticket: CallTicket): Promise<unknown> | undefined;
}

/**
 * Allows `perSecond` calls per second, and a burst of as many after an idle second. `openBudget` counts them, by default those of
 * this process alone.
 */
export function createCallRateLimiter(
  perSecond: number,
  clock: Clock,
  openBudget: UpstreamBudget['open'] = (rate) => createTokenBucket(rate, clock),
): CallRateLimiter {
  const queue = createTurnQueue(schedule);
  const budget = openBudget(perSecond, drain);
  const reserve = Math.floor(perSecond * RESERVE_SHARE);
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  const isAllowed = ({ priority }: Turn, isOverdue: boolean) => budget.waitMs(shareOf(priority, isOverdue)) === 0;
  const spend = ({ priority }: Turn) => budget.spend(shareOf(priority, false));

  function drain() {
    timer?.cancel();
    timer = null;
    budget.refresh();
    for (let turn = queue.admitNext(isAllowed); turn !== undefined; turn = queue.admitNext(isAllowed)) spend(turn);
    schedule();
  }

  // One timer for all waiting calls: it fires when the next of them may be made.
  function schedule() {
    const waiting = queue.waiting();
    budget.expect(countsOf(waiting));
    const waitMs = Math.min(...waiting.map(({ priority, isOverdue }) => budget.waitMs(shareOf(priority, isOverdue))));
    const at = clock.now() + Math.max(1, Math.ceil(waitMs));
    if (timer !== null && timer.at <= at && waiting.length > 0) return;
    timer?.cancel();
    timer = waitMs === Number.POSITIVE_INFINITY ? null : { at, cancel: clock.after(at - clock.now(), drain) };
  }

  /** Maximum milliseconds until a call with this turn may be made. */
  function maxWaitOf(turn: Turn): number {
    const ahead = queue.countAhead(turn);
    const missing = ahead + 1 - budget.saved + (turn.priority === 'unverified' ? reserve : 0);
    return (missing * 1000) / budget.perSecond;
  }

  return {
    tryAcquire(turn) {
      if (!queue.isEmpty) return false;
      budget.refresh();
      if (!isAllowed(turn, false)) return false;
      spend(turn);
      return true;
    },
    acquire({ turns, signal, maxWaitMs }) {
      budget.refresh();
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

/** The part of the budget that a call may use. An overdue one of a new credential may use all, so that the others do not block it. */
function shareOf(priority: Priority, isOverdue: boolean): BudgetShare {
  if (isOfSubscription(priority)) return 'subscription';
  return priority === 'unverified' && !isOverdue ? 'spare' : 'any';
}

function countsOf(waiting: ReturnType<TurnQueue['waiting']>): CallCounts {
  const counts = { any: 0, subscription: 0, spare: 0 };
  for (const { priority, isOverdue, count } of waiting) counts[shareOf(priority, isOverdue)] += count;
  return counts;
}

const queueTooLong = (waitMs: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not sent: the queue of upstream calls is too long', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
