/** Where time comes from. Tests turn theirs by hand; nothing else in the project reads the time of day. */
export interface Clock {
  /** Milliseconds since the epoch; never goes back. */
  now(): number;
  /** Runs `callback` once, `ms` from now. The timer does not keep the process alive. Returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  // Not the time of day, which somebody can set back: kept answers would stay fresh until it has caught up.
  now: () => Math.round(performance.timeOrigin + performance.now()),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
