import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';

/** The time limit of an operation. */
export interface Deadline {
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  /** Starts the full time again. */
  restart(): void;
  /** Stops the timer until `restart` is called. */
  pause(): void;
}

/**
 * Runs `work` with a deadline. Rejects with UPSTREAM_TIMEOUT after `timeoutMs`, or with the reason of `signal` when it is
 * aborted. Either aborts the signal that `work` receives; its later result is ignored.
 */
export async function withinDeadline<T>(
  work: (deadline: Deadline) => Promise<T>,
  { timeoutMs, clock, signal }: { timeoutMs: number; clock: Clock; signal: AbortSignal },
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const aborted = Promise.withResolvers<never>();
  controller.signal.addEventListener('abort', () => aborted.reject(controller.signal.reason));
  const onAbort = () => controller.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  const onTimeout = () =>
    controller.abort(new UpstreamError('UPSTREAM_TIMEOUT', `no complete response within ${timeoutMs} ms`));
  let cancelTimer = clock.after(timeoutMs, onTimeout);
  let isSettled = false; // Work that continues after that must not set a timer.
  const deadline = {
    signal: controller.signal,
    restart() {
      cancelTimer();
      if (!isSettled) cancelTimer = clock.after(timeoutMs, onTimeout);
    },
    pause: () => cancelTimer(),
  };
  try {
    // undici observes the signal only once it is connected. The race ends a call that never connects.
    return await Promise.race([work(deadline), aborted.promise]);
  } finally {
    isSettled = true;
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}
