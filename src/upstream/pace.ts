import type { Clock } from '../clock.ts';
import { UpstreamError } from './errors.ts';

/** What a call is for; the first goes first where calls have to wait. */
export const PRIORITIES = ['mutation', 'query', 'poll'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Spreads calls over time: the organisation's rate limit is shared with people's other work. */
export interface Pace {
  /**
   * Resolves when a call may be made; undefined when it may at once. Rejects with the signal's reason, and at once with
   * UPSTREAM_RATE_LIMITED when its turn would come later than in `patienceMs`.
   */
  turn(priority: Priority, signal: AbortSignal, patienceMs: number): Promise<void> | undefined;
}

interface Waiting {
  go(): void;
}

/** At most `perSecond` calls a second, and as many at once after a quiet second. */
export function createPace(perSecond: number, clock: Clock): Pace {
  const queues = { mutation: new Set<Waiting>(), query: new Set<Waiting>(), poll: new Set<Waiting>() };
  let tokens = perSecond;
  let countedAt = clock.now();
  let cancelTick: (() => void) | null = null;

  function refill() {
    const now = clock.now();
    tokens = Math.min(perSecond, tokens + ((now - countedAt) * perSecond) / 1000);
    countedAt = now;
  }

  const waitingBefore = (priority: Priority) =>
    PRIORITIES.slice(0, PRIORITIES.indexOf(priority) + 1).reduce((sum, name) => sum + queues[name].size, 0);

  function next(): Waiting | undefined {
    for (const name of PRIORITIES) for (const waiting of queues[name]) return waiting;
    return undefined;
  }

  function serve() {
    cancelTick = null;
    refill();
    for (let waiting = next(); waiting !== undefined && tokens >= 1; waiting = next()) {
      tokens -= 1;
      waiting.go();
    }
    tick();
  }

  // One timer for all: it falls due when the next call may go.
  function tick() {
    if (cancelTick !== null || next() === undefined) return;
    cancelTick = clock.after(Math.max(1, Math.ceil(((1 - tokens) * 1000) / perSecond)), serve);
  }

  function enqueue(priority: Priority, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = queues[priority];
    const leave = () => {
      queue.delete(waiting);
      signal.removeEventListener('abort', leave);
      if (next() === undefined) {
        cancelTick?.();
        cancelTick = null;
      }
      reject(signal.reason);
    };
    const waiting: Waiting = {
      go() {
        queue.delete(waiting);
        signal.removeEventListener('abort', leave);
        resolve();
      },
    };
    queue.add(waiting);
    signal.addEventListener('abort', leave);
    tick();
    return promise;
  }

  return {
    turn(priority, signal, patienceMs) {
      refill();
      const ahead = waitingBefore(priority);
      if (ahead === 0 && tokens >= 1) {
        tokens -= 1;
        return undefined;
      }
      const waitMs = ((ahead + 1 - tokens) * 1000) / perSecond;
      if (waitMs > patienceMs) throw tooMany(waitMs);
      return enqueue(priority, signal);
    },
  };
}

const tooMany = (waitMs: number) =>
  new UpstreamError('UPSTREAM_RATE_LIMITED', 'not asked: too many calls wait for their turn', {
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
