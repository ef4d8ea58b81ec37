import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import { createFairQueue } from './fair-queue.ts';

/** What a call is for; the first goes first where calls have to wait, but for what `MAX_MUTATIONS_IN_A_ROW` says. */
export const PRIORITIES = ['mutation', 'query', 'poll'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Who wants to make a call. */
export interface CallTicket {
  readonly priority: Priority;
  /** Owners take turns within a priority: however many calls wait for one, another's goes soon. */
  readonly owner: string;
  readonly signal: AbortSignal;
  /** Longest it can wait, in milliseconds. */
  readonly maxWaitMs: number;
}

/** Behind so many mutations a query goes that waits: who floods with them keeps nobody from reading. */
const MAX_MUTATIONS_IN_A_ROW = 3;
const QUERY_FIRST: readonly Priority[] = ['query', 'mutation', 'poll'];

/** Spreads calls over time: the organisation's rate limit is shared with people's other work. */
export interface CallRateLimiter {
  /**
   * Resolves when a call may be made; undefined when it may at once. Rejects with the signal's reason, and at once with
   * UPSTREAM_RATE_LIMITED when its turn could come too late.
   */
  acquire(comer: CallTicket): Promise<void> | undefined;
}

interface Waiting {
  go(): void;
}

/** At most `perSecond` calls a second, and as many at once after a quiet second. */
export function createCallRateLimiter(perSecond: number, clock: Clock): CallRateLimiter {
  const queues = {
    mutation: createFairQueue<Waiting>(),
    query: createFairQueue<Waiting>(),
    poll: createFairQueue<Waiting>(),
  };
  let tokens = perSecond;
  let countedAt = clock.now();
  let cancelTick: (() => void) | null = null;
  let inARow = 0; // Mutations that went last.

  function refill() {
    const now = clock.now();
    tokens = Math.min(perSecond, tokens + ((now - countedAt) * perSecond) / 1000);
    countedAt = now;
  }

  const isEmpty = () => PRIORITIES.every((name) => queues[name].size === 0);

  function waitingBefore({ priority, owner }: CallTicket): number {
    const { mutation, query } = queues;
    const ahead = queues[priority].countAhead(owner);
    if (priority === 'poll') return mutation.size + query.size + ahead;
    if (priority === 'query') return ahead + Math.min(mutation.size, (ahead + 1) * MAX_MUTATIONS_IN_A_ROW);
    return ahead + Math.min(query.size, Math.floor((inARow + ahead) / MAX_MUTATIONS_IN_A_ROW));
  }

  function take(): Waiting | undefined {
    for (const name of inARow < MAX_MUTATIONS_IN_A_ROW ? PRIORITIES : QUERY_FIRST) {
      const waiting = queues[name].take();
      if (waiting === undefined) continue;
      inARow = name === 'mutation' ? Math.min(inARow + 1, MAX_MUTATIONS_IN_A_ROW) : 0;
      return waiting;
    }
    return undefined;
  }

  function serve() {
    cancelTick = null;
    refill();
    for (; tokens >= 1 && !isEmpty(); tokens -= 1) take()?.go();
    tick();
  }

  // One timer for all: it falls due when the next call may go.
  function tick() {
    if (cancelTick !== null || isEmpty()) return;
    cancelTick = clock.after(Math.max(1, Math.ceil(((1 - tokens) * 1000) / perSecond)), serve);
  }

  function enqueue({ priority, owner, signal }: CallTicket): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = queues[priority];
    const leave = () => {
      queue.delete(owner, waiting);
      signal.removeEventListener('abort', leave);
      if (isEmpty()) {
        cancelTick?.();
        cancelTick = null;
      }
      reject(signal.reason);
    };
    const waiting: Waiting = {
      go() {
        signal.removeEventListener('abort', leave);
        resolve();
      },
    };
    queue.add(owner, waiting);
    signal.addEventListener('abort', leave);
    tick();
    return promise;
  }

  return {
    acquire(comer) {
      refill();
      const ahead = waitingBefore(comer);
      if (ahead === 0 && tokens >= 1) {
        tokens -= 1;
        return undefined;
      }
      const waitMs = ((ahead + 1 - tokens) * 1000) / perSecond;
      if (waitMs > comer.maxWaitMs) throw tooMany(waitMs);
      return enqueue(comer);
    },
  };
}

const tooMany = (waitMs: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not asked: too many calls wait for their turn', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
