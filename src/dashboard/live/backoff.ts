const MAX_BACKOFF_MS = 30_000;

/** Milliseconds until the next attempt: 1 s at first, doubled each time, with jitter so that pages do not return together. */
export const backoffMs = (retries: number): number =>
  Math.min(1000 * 2 ** retries, MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
