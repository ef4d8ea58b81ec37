import type { RetryAdvice } from '../errors/upstream-error.ts';

// When a failed call is retried, as in the reference SDKs (docs/upstream.md: Retries).

const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 8000;
const JITTER = 0.25;

/**
 * Whether a failed request may be sent again. `always`: a read. `if requested`: a change that is retried only when it was
 * not sent or the upstream requests a retry. `never`: a change that must not be made twice.
 */
export type RetrySafety = 'always' | 'if requested' | 'never';

/** Returns whether a retry is safe. `status` is that of the response, if any; `isSent` is false when no byte was sent. */
export function isRetryAllowed(
  retrySafety: RetrySafety,
  { status, afterMs, isSent }: { status: number | undefined; afterMs: number | undefined; isSent: boolean },
): boolean {
  if (retrySafety !== 'if requested') return retrySafety === 'always';
  return !isSent || ((status === 429 || status === 503) && afterMs !== undefined);
}

/** Returns whether a response of this status is worth a retry; `shouldRetry` is the header `x-should-retry`. */
export function isRetryable(status: number, shouldRetry: unknown): boolean {
  if (shouldRetry === 'true' || shouldRetry === 'false') return shouldRetry === 'true';
  return [408, 409, 429].includes(status) || (status >= 500 && status !== 501);
}

/**
 * Milliseconds until the next retry, or null when the failure is not retryable. Exponential backoff over `retries`, the
 * number of retries before this one. `random` is from 0 to 1 and sets the jitter. The wait that the upstream requests is a
 * minimum: jitter only extends it.
 */
export function waitBeforeRetry(retry: RetryAdvice, retries: number, random: number): number | null {
  if (!retry.isRetryable) return null;
  const backoffMs = Math.min(MIN_WAIT_MS * 2 ** retries, MAX_WAIT_MS);
  const { afterMs } = retry;
  return Math.ceil(afterMs === undefined ? backoffMs * (1 - JITTER * random) : afterMs + MIN_WAIT_MS * JITTER * random);
}
