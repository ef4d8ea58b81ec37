import type { RetryAdvice } from '../errors/upstream-error.ts';

// When a failed call is tried again, as the reference SDKs do it (docs/upstream.md: Retries).

const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 8000;
const JITTER = 0.25;

/**
 * Whether a call that fails may be made again: a read freely, a change only when it was not made or its server asks for
 * another try, and never what must not be made twice.
 */
export type RetrySafety = 'always' | 'if requested' | 'never';

/** Whether such a call may be made again; `status` is that of the answer, if there was one, and `isSent` if it was sent at all. */
export function isRetryAllowed(
  repetition: RetrySafety,
  { status, afterMs, isSent }: { status: number | undefined; afterMs: number | undefined; isSent: boolean },
): boolean {
  if (repetition !== 'if requested') return repetition === 'always';
  return !isSent || ((status === 429 || status === 503) && afterMs !== undefined);
}

/** Whether an answer of this status may be another one soon; `shouldRetry` is the header `x-should-retry`. */
export function isRetryable(status: number, shouldRetry: unknown): boolean {
  if (shouldRetry === 'true' || shouldRetry === 'false') return shouldRetry === 'true';
  return [408, 409, 429].includes(status) || (status >= 500 && status !== 501);
}

/**
 * How long to wait before the next try, in whole milliseconds; null when there is to be none. `tries` were made before
 * the one that failed; `random` is from 0 to 1. A wait that the upstream asks for is the shortest, and not shortened by
 * jitter.
 */
export function waitBeforeRetry(retry: RetryAdvice, tries: number, random: number): number | null {
  if (!retry.isRetryable) return null;
  const own = Math.min(MIN_WAIT_MS * 2 ** tries, MAX_WAIT_MS);
  const { afterMs } = retry;
  return Math.ceil(afterMs === undefined ? own * (1 - JITTER * random) : afterMs + MIN_WAIT_MS * JITTER * random);
}
