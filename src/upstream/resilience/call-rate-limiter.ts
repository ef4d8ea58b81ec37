import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import { createFairQueue } from './fair-queue.ts';

/** The purpose of a call, highest priority first. `MAX_CONSECUTIVE_MUTATIONS` limits the first. */
export const PRIORITIES = ['mutation', 'query', 'poll'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A request for permission to make one call. */
export interface CallTicket {
  readonly priority: Priority;
  /** Owners take turns within a priority, so that one with many calls does not delay the others. */
  readonly owner: string;
  readonly signal: AbortSignal;
  /** Maximum wait in milliseconds. */
  readonly maxWaitMs: number;
}

/** Mutations in a row before a waiting query goes first, so that a flood of mutations does not block reads. */
const MAX_CONSECUTIVE_MUTATIONS = 3;
const QUERY_FIRST: readonly Priority[] = ['query', 'mutation', 'poll'];

/** A token bucket with priorities. The organization's rate limit is shared with its other programs. */
export interface CallRateLimiter {
  /**
   * Resolves when the call may be made; undefined when it may be made at once. Rejects with the reason of the signal. Throws
   * UPSTREAM_RATE_LIMITED at once when the wait could exceed `maxWaitMs`.
   */
  acquire(ticket: CallTicket): Promise<void> | undefined;
}

interface Waiter {
  start(): void;
}

/** Allows `perSecond` calls per second, and a burst of as many after an idle second. */
export function createCallRateLimiter(perSecond: number, clock: Clock): CallRateLimiter {
  const queues = {
    mutation: createFairQueue<Waiter>(),
    query: createFairQueue<Waiter>(),
    poll: createFairQueue<Waiter>(),
  };
  let tokens = perSecond;
  let refilledAt = clock.now();
  let cancelTimer: (() => void) | null = null;
  let consecutiveMutations = 0; // Among the last calls.

  function refill() {
    const now = clock.now();
    tokens = Math.min(perSecond, tokens + ((now - refilledAt) * perSecond) / 1000);
    refilledAt = now;
  }

  const isEmpty = () => PRIORITIES.every((priority) => queues[priority].size === 0);

  function countAhead({ priority, owner }: CallTicket): number {
    const { mutation, query } = queues;
    const ahead = queues[priority].countAhead(owner);
    if (priority === 'poll') return mutation.size + query.size + ahead;
    if (priority === 'query') return ahead + Math.min(mutation.size, (ahead + 1) * MAX_CONSECUTIVE_MUTATIONS);
    return ahead + Math.min(query.size, Math.floor((consecutiveMutations + ahead) / MAX_CONSECUTIVE_MUTATIONS));
  }

  function takeNext(): Waiter | undefined {
    for (const priority of consecutiveMutations < MAX_CONSECUTIVE_MUTATIONS ? PRIORITIES : QUERY_FIRST) {
      const waiter = queues[priority].take();
      if (waiter === undefined) continue;
      consecutiveMutations =
        priority === 'mutation' ? Math.min(consecutiveMutations + 1, MAX_CONSECUTIVE_MUTATIONS) : 0;
      return waiter;
    }
    return undefined;
  }

  function drain() {
    cancelTimer = null;
    refill();
    for (; tokens >= 1 && !isEmpty(); tokens -= 1) takeNext()?.start();
    schedule();
  }

  // One timer for all waiters: it fires when the next token is available.
  function schedule() {
    if (cancelTimer !== null || isEmpty()) return;
    cancelTimer = clock.after(Math.max(1, Math.ceil(((1 - tokens) * 1000) / perSecond)), drain);
  }

  function enqueue({ priority, owner, signal }: CallTicket): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = queues[priority];
    const onAbort = () => {
      queue.delete(owner, waiter);
      signal.removeEventListener('abort', onAbort);
      if (isEmpty()) {
        cancelTimer?.();
        cancelTimer = null;
      }
      reject(signal.reason);
    };
    const waiter: Waiter = {
      start() {
        signal.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    queue.add(owner, waiter);
    signal.addEventListener('abort', onAbort);
    schedule();
    return promise;
  }

  return {
    acquire(ticket) {
      refill();
      const ahead = countAhead(ticket);
      if (ahead === 0 && tokens >= 1) {
        tokens -= 1;
        return undefined;
      }
      const waitMs = ((ahead + 1 - tokens) * 1000) / perSecond;
      if (waitMs > ticket.maxWaitMs) throw queueTooLong(waitMs);
      return enqueue(ticket);
    },
  };
}

const queueTooLong = (waitMs: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not sent: the queue of upstream calls is too long', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
