import { UpstreamError } from '../errors/upstream-error.ts';
import { isOfSubscription } from './call-claims.ts';
import { type CallTurns, createTurnQueue, type Turn } from './turn-queue.ts';

/** A semaphore over calls in progress. Owners take turns, and no owner can hold all permits. */
export interface CallPermits {
  /** Acquires a permit when one is free and no call waits. Returns its release function, else null. */
  tryAcquire(turn: Turn): (() => void) | null;
  /**
   * Acquires a permit. Returns its release function, or a promise of it. Rejects with the reason of the signal. Throws
   * UPSTREAM_RATE_LIMITED when too many calls of the owner wait already.
   */
  acquire(turns: CallTurns, signal: AbortSignal): Promise<() => void> | (() => void);
}

/**
 * An owner may hold this many times the permits that are free: one alone at most three quarters of all. The rest is for
 * owners that have none, so that their calls do not wait for the end of slow ones.
 */
const MAX_HELD_PER_FREE = 3;

/** Share of the permits that subscriptions may hold. */
const SUBSCRIPTION_SHARE = 0.5;

const RETRY_AFTER_SECONDS = 1;

/** `maxWaiting` limits the waiting calls of one owner. */
export function createCallPermits(permits: number, maxWaiting = Number.POSITIVE_INFINITY): CallPermits {
  const queue = createTurnQueue(admitWaiting);
  const maxSubscriptions = Math.max(1, Math.floor(permits * SUBSCRIPTION_SHARE));
  const heldByOwner = new Map<string, number>();
  let free = permits;
  let heldBySubscriptions = 0;

  function isAllowed({ priority, owner }: Turn): boolean {
    if (isOfSubscription(priority) && heldBySubscriptions >= maxSubscriptions) return false;
    return (heldByOwner.get(owner) ?? 0) < MAX_HELD_PER_FREE * free;
  }

  /** Changes the numbers of permits when an owner takes one (1) or returns it (-1). */
  function count({ priority, owner }: Turn, change: 1 | -1) {
    const held = (heldByOwner.get(owner) ?? 0) + change;
    if (held === 0) heldByOwner.delete(owner);
    else heldByOwner.set(owner, held);
    if (isOfSubscription(priority)) heldBySubscriptions += change;
    free -= change;
  }

  function admitWaiting() {
    for (let turn = queue.admitNext(isAllowed); turn !== undefined; turn = queue.admitNext(isAllowed)) count(turn, 1);
  }

  const releaseOf = (turn: Turn) => () => {
    count(turn, -1);
    if (!queue.isEmpty) admitWaiting();
  };

  return {
    tryAcquire(turn) {
      if (!queue.isEmpty || !isAllowed(turn)) return null;
      count(turn, 1);
      return releaseOf(turn);
    },
    acquire(turns, signal) {
      const { current } = turns;
      const allowed = current.find(isAllowed);
      if (allowed && (queue.isEmpty || !queue.hasNext(isAllowed))) {
        count(allowed, 1);
        return releaseOf(allowed);
      }
      if (current.every((turn) => queue.countOf(turn) >= maxWaiting)) throw tooManyWaiting();
      return queue.wait(turns, signal).then(releaseOf);
    },
  };
}

const tooManyWaiting = () =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not sent: too many calls of this caller wait already', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
