import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';

/** The time that some work has. */
export interface Deadline {
  /** Aborted when it is over. */
  readonly signal: AbortSignal;
  /** Counts from the beginning again. */
  restart(): void;
  /** Counts no further until it is renewed. */
  pause(): void;
}

/**
 * Does `work` until it ends, `timeoutMs` have passed (UPSTREAM_TIMEOUT) or `signal` is aborted (its reason). The signal
 * that `work` gets is then aborted, and what it comes to afterwards is of no interest.
 */
export async function withinDeadline<T>(
  work: (deadline: Deadline) => Promise<T>,
  { timeoutMs, clock, signal }: { timeoutMs: number; clock: Clock; signal: AbortSignal },
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const ended = Promise.withResolvers<never>();
  ending.signal.addEventListener('abort', () => ended.reject(ending.signal.reason));
  const leave = () => ending.abort(signal.reason);
  signal.addEventListener('abort', leave);
  const expire = () => ending.abort(new UpstreamError('UPSTREAM_TIMEOUT', `no whole answer within ${timeoutMs} ms`));
  let pause = clock.after(timeoutMs, expire);
  let isOver = false; // What still goes on sets no timer.
  const deadline = {
    signal: ending.signal,
    restart() {
      pause();
      if (!isOver) pause = clock.after(timeoutMs, expire);
    },
    pause: () => pause(),
  };
  try {
    // undici looks at the signal only once it is connected: the race ends a call that does not get that far.
    return await Promise.race([work(deadline), ended.promise]);
  } finally {
    isOver = true;
    pause();
    signal.removeEventListener('abort', leave);
  }
}
