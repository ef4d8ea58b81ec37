import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test advances it. */
export interface TestClock extends Clock {
  /** Advances the clock by `ms` and runs the timers that are due, in their order. */
  advance(ms: number): void;
  /** Resolves once there is a timer that was set for less than `ms`, to the milliseconds until it is due. */
  timerBelow(ms: number): Promise<number>;
  /** Number of pending timers. */
  readonly timers: number;
  /** Milliseconds until the next timer is due; Infinity when there is none. */
  readonly untilNext: number;
}

interface Timer {
  readonly ms: number;
  readonly at: number;
  readonly callback: () => void;
}

export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  const timers = new Set<Timer>();
  const watchers = new Set<() => void>();
  const soonest = (matches: (timer: Timer) => boolean): Timer | undefined =>
    [...timers].filter(matches).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { ms, at: now + ms, callback };
      timers.add(timer);
      for (const watch of watchers) watch();
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = now + ms;
      const isDue = ({ at }: Timer) => at <= until;
      for (let next = soonest(isDue); next !== undefined; next = soonest(isDue)) {
        timers.delete(next);
        now = next.at;
        next.callback();
      }
      now = until;
    },
    timerBelow(limit) {
      return new Promise((resolve) => {
        const watch = () => {
          const timer = soonest(({ ms }) => ms < limit);
          if (timer === undefined) return;
          watchers.delete(watch);
          resolve(timer.at - now);
        };
        watchers.add(watch);
        watch();
      });
    },
    get timers() {
      return timers.size;
    },
    get untilNext() {
      return (soonest(() => true)?.at ?? Number.POSITIVE_INFINITY) - now;
    },
  };
}

/**
 * Advances the clock to each timer that was set for less than `ms`, once there is one, until the promise settles. Real I/O
 * takes no time by this clock: a longer deadline passes only when the shorter waits add up to it.
 */
export async function turning<T>(clock: TestClock, ms: number, promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    () => null,
    () => null,
  );
  for (;;) {
    const waitMs = await Promise.race([settled, clock.timerBelow(ms)]);
    if (waitMs === null) return await promise;
    clock.advance(waitMs);
  }
}
