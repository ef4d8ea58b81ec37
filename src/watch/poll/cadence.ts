// When to look again. Pure, so that it can be read, tested and argued about without a clock.

/** A job that has rested this many times an interval is looked at in that interval. */
const PATIENCE = 10;

const MAX_FAILURE_INTERVAL_MS = 15_000;
const MAX_RETRY_AFTER_MS = 600_000;
const JITTER = 0.25;

/** The longest time between two looks, in milliseconds, by the published name of the status. */
const MAX_INTERVAL_MS: Readonly<Record<string, number>> = {
  VALIDATING_FILES: 10_000,
  QUEUED: 15_000,
  RUNNING: 15_000,
  PAUSING: 5000,
  RESUMING: 5000,
  CANCELLING: 5000,
};

/** Of a job that rests, or of which nobody knows what it does. */
const MAX_OTHER_INTERVAL_MS = 60_000;

/**
 * How long to wait before the next look at a job, in milliseconds. Changes come in rows: right after one it is looked at
 * as often as may be, and the longer nothing has changed the seldomer.
 */
export function nextPollIn(state: string, unchangedMs: number, pollIntervalMs: number): number {
  const longest = MAX_INTERVAL_MS[state] ?? MAX_OTHER_INTERVAL_MS;
  return Math.max(pollIntervalMs, Math.min(unchangedMs / PATIENCE, longest));
}

/** The longest time between two looks at the head of the account's list, in milliseconds: new jobs are seen there. */
const MAX_HEAD_INTERVAL_MS = 5000;

/** How long to wait before the head of the list is read again, in milliseconds, when no job has changed for so long. */
export function nextHeadPollIn(unchangedMs: number, pollIntervalMs: number): number {
  return Math.max(pollIntervalMs, Math.min(unchangedMs / PATIENCE, MAX_HEAD_INTERVAL_MS));
}

/**
 * How long to wait after so many failures in a row, in milliseconds. `retryAfterMs` is what the upstream has asked for;
 * `random`, from 0 to 1, keeps those that failed together from coming back together.
 */
export function nextPollAfterFailureIn(
  failures: number,
  pollIntervalMs: number,
  random: number,
  retryAfterMs = 0,
): number {
  const own = Math.min(pollIntervalMs * 2 ** failures, Math.max(MAX_FAILURE_INTERVAL_MS, pollIntervalMs));
  const jittered = own * (1 + JITTER * (2 * random - 1));
  return Math.max(pollIntervalMs, jittered, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}
