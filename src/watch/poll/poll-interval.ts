// Poll intervals, as pure functions of status, time and failures.

/** A job that has been unchanged for t is polled every t / 10, within the bounds below. */
const UNCHANGED_RATIO = 10;

const MAX_FAILURE_INTERVAL_MS = 15_000;
const MAX_RETRY_AFTER_MS = 600_000;
const JITTER = 0.25;

/** Maximum poll interval by the published name of the status, in milliseconds. */
const MAX_INTERVAL_MS: Readonly<Record<string, number>> = {
  VALIDATING_FILES: 10_000,
  QUEUED: 15_000,
  RUNNING: 15_000,
  PAUSING: 5000,
  RESUMING: 5000,
  CANCELLING: 5000,
};

/** Maximum poll interval of a paused job, or of one with an unknown status. */
const MAX_OTHER_INTERVAL_MS = 60_000;

/** Maximum poll interval of the head of the job list, where new jobs appear, in milliseconds. */
const MAX_HEAD_INTERVAL_MS = 5000;

/**
 * Returns the milliseconds until the next poll of a job. The interval is shortest just after a change, because changes
 * come in sequences, and grows with the time without a change.
 */
export function nextPollIn(state: string, unchangedMs: number, pollIntervalMs: number): number {
  const maxMs = MAX_INTERVAL_MS[state] ?? MAX_OTHER_INTERVAL_MS;
  return Math.max(pollIntervalMs, Math.min(unchangedMs / UNCHANGED_RATIO, maxMs));
}

/** Returns the milliseconds until the next poll of the head of the list, when no job has changed for `unchangedMs`. */
export function nextHeadPollIn(unchangedMs: number, pollIntervalMs: number): number {
  return Math.max(pollIntervalMs, Math.min(unchangedMs / UNCHANGED_RATIO, MAX_HEAD_INTERVAL_MS));
}

/**
 * Returns the milliseconds until the next poll after consecutive failures: exponential backoff with jitter, and at least
 * the upstream's `retryAfterMs`, up to ten minutes. `random` is from 0 to 1.
 */
export function nextPollAfterFailureIn(
  failures: number,
  pollIntervalMs: number,
  random: number,
  retryAfterMs = 0,
): number {
  const backoffMs = Math.min(pollIntervalMs * 2 ** failures, Math.max(MAX_FAILURE_INTERVAL_MS, pollIntervalMs));
  const jitteredMs = backoffMs * (1 + JITTER * (2 * random - 1));
  return Math.max(pollIntervalMs, jitteredMs, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}
