/**
 * Milliseconds to wait as said by `retry-after-ms` or `retry-after` (seconds or an HTTP date); undefined if unsaid or
 * absurd, that is, negative or over a day.
 */
export function retryAfterMs(headers: Record<string, string | string[] | undefined>, now: number): number | undefined {
  const ms = Number(headers['retry-after-ms'] || Number.NaN);
  const after = headers['retry-after'];
  const wait = Number.isFinite(ms) ? ms : typeof after === 'string' ? 1000 * secondsIn(after, now) : Number.NaN;
  return wait >= 0 && wait <= 86_400_000 ? wait : undefined;
}

function secondsIn(retryAfter: string, now: number): number {
  const seconds = Number(retryAfter);
  return Number.isNaN(seconds) ? (Date.parse(retryAfter) - now) / 1000 : seconds;
}
