/** The source of time. Tests advance their own clock; no other module reads the time of day. */
export interface Clock {
  /** Milliseconds since the epoch. Monotonic: never decreases. */
  now(): number;
  /** The same by the machine's clock, which can be set, and goes on while the machine sleeps: for times of other systems. */
  timeOfDay(): number;
  /** Runs `callback` once after `ms` milliseconds. The timer does not keep the process alive. Returns a cancel function. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  // Not Date.now(): if the time of day were set back, cached entries would stay fresh until it caught up.
  now: () => Math.round(performance.timeOrigin + performance.now()),
  timeOfDay: Date.now,
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms` milliseconds. Rejects with the reason of the signal when it is aborted meanwhile. */
export function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancelTimer();
      reject(signal.reason);
    };
    const cancelTimer = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
  });
}
