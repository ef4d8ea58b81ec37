import type { Clock } from '../clock.ts';
import { UpstreamError } from './errors.ts';

/**
 * Does `work` until it ends, `timeoutMs` have passed (UPSTREAM_TIMEOUT) or `signal` is aborted (its reason). The signal
 * that `work` gets is then aborted, and what it comes to afterwards is of no interest.
 */
export async function withinDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, clock, signal }: { timeoutMs: number; clock: Clock; signal: AbortSignal },
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const ended = Promise.withResolvers<never>();
  ending.signal.addEventListener('abort', () => ended.reject(ending.signal.reason));
  const leave = () => ending.abort(signal.reason);
  signal.addEventListener('abort', leave);
  const cancelDeadline = clock.after(timeoutMs, () =>
    ending.abort(new UpstreamError('UPSTREAM_TIMEOUT', `no whole answer within ${timeoutMs} ms`)),
  );
  try {
    // undici looks at the signal only once it is connected: the race ends a call that does not get that far.
    return await Promise.race([work(ending.signal), ended.promise]);
  } finally {
    cancelDeadline();
    signal.removeEventListener('abort', leave);
  }
}
