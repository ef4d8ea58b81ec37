import type { Clock } from '../../src/clock.ts';

export interface TestClock extends Clock {
  /** Turns the clock on by `ms`; timers that fall due on the way run in their order. */
  advance(ms: number): void;
  /** Resolves as soon as there is a timer that was set for less than `ms`, with the time until it falls due. */
  timerBelow(ms: number): Promise<number>;
  /** Timers that are set. */
  readonly timers: number;
  /** Milliseconds until the soonest of them falls due; Infinity when there is none. */
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
  const soonest = (isWanted: (timer: Timer) => boolean): Timer | undefined =>
    [...timers].filter(isWanted).sort((a, b) => a.at - b.at)[0];
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
 * Turns the clock to each timer that was set for less than `ms`, as soon as there is one, until the promise settles. What
 * really happens takes no time by this clock: deadlines, which are longer, pass only when the shorter waits add up to them.
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
