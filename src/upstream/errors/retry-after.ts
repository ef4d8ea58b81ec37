const MAX_WAIT_MS = 86_400_000;

/**
 * Milliseconds to wait according to `retry-after-ms` or `retry-after` (seconds or an HTTP date, RFC 9110 10.2.3).
 * Undefined when neither is sent, or the wait is negative or longer than a day.
 */
export function retryAfterMs(headers: Record<string, string | string[] | undefined>, now: number): number | undefined {
  const ms = Number(headers['retry-after-ms'] || Number.NaN);
  const retryAfter = headers['retry-after'];
  const waitMs = Number.isFinite(ms)
    ? ms
    : typeof retryAfter === 'string'
      ? 1000 * secondsUntil(retryAfter, now)
      : Number.NaN;
  return waitMs >= 0 && waitMs <= MAX_WAIT_MS ? waitMs : undefined;
}

function secondsUntil(retryAfter: string, now: number): number {
  const seconds = Number(retryAfter);
  return Number.isNaN(seconds) ? (Date.parse(retryAfter) - now) / 1000 : seconds;
}
