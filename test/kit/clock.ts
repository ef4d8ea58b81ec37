import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test advances it. */
export interface TestClock extends Clock {
  /** Advances the clock by `ms`; timers that become due on the way run in their order. */
  advance(ms: number): void;
  /** Resolves as soon as there is a timer that was set for less than `ms`, to the time until it is due. */
  timerBelow(ms: number): Promise<number>;
  /** Number of pending timers. */
  readonly timers: number;
  /** Milliseconds until the next timer is due; Infinity without timers. */
  readonly untilNext: number;
}

interface Timer {
  readonly ms: number;
  readonly at: number;
  readonly callback: () => void;
}

export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  const timers: Timer[] = []; // By the time when they are due; of equal ones, the first to be set first.
  const watchers = new Set<() => void>();

  /** The position of the first timer that is due at `at` or later, or only later. */
  function positionOf(at: number, isAfter: boolean): number {
    let [low, high] = [0, timers.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const timer = timers[middle];
      if (timer && (timer.at < at || (isAfter && timer.at === at))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    now: () => now,
    timeOfDay: () => now,
    after(ms, callback) {
      const timer = { ms, at: now + ms, callback };
      timers.splice(positionOf(timer.at, true), 0, timer);
      for (const watch of watchers) watch();
      return () => {
        const position = timers.indexOf(timer, positionOf(timer.at, false));
        if (position >= 0) timers.splice(position, 1);
      };
    },
    advance(ms) {
      const until = now + ms;
      for (let next = timers[0]; next !== undefined && next.at <= until; next = timers[0]) {
        timers.shift();
        now = next.at;
        next.callback();
      }
      now = until;
    },
    timerBelow(limit) {
      return new Promise((resolve) => {
        const watch = () => {
          const timer = timers.find(({ ms }) => ms < limit);
          if (timer === undefined) return;
          watchers.delete(watch);
          resolve(timer.at - now);
        };
        watchers.add(watch);
        watch();
      });
    },
    get timers() {
      return timers.length;
    },
    get untilNext() {
      return (timers[0]?.at ?? Number.POSITIVE_INFINITY) - now;
    },
  };
}

/**
 * Advances the clock to each timer that was set for less than `ms`, as soon as there is one, until the promise settles. Real
 * work takes no time by this clock: a longer deadline passes only when the shorter waits add up to it.
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
