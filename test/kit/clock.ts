import type { Clock } from '../../src/clock.ts';

export interface TestClock extends Clock {
  /** Turns the clock on by `ms`; timers that fall due on the way run in their order. */
  advance(ms: number): void;
  /** Resolves as soon as a timer is set that falls due in less than `ms`, with the time until then. */
  timerWithin(ms: number): Promise<number>;
  /** Timers that are set. */
  readonly timers: number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export function createTestClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  const timers = new Set<Timer>();
  const watchers = new Set<() => void>();
  const soonest = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      for (const watch of watchers) watch();
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = now + ms;
      for (let next = soonest(until); next !== undefined; next = soonest(until)) {
        timers.delete(next);
        now = next.at;
        next.callback();
      }
      now = until;
    },
    timerWithin(ms) {
      return new Promise((resolve) => {
        const watch = () => {
          const timer = soonest(now + ms - 1);
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
  };
}

/**
 * Turns the clock to each timer that falls due before `ms` have gone by in all, as soon as it is set, until the promise
 * settles. Waits for what really happens in between.
 */
export async function turning<T>(clock: TestClock, ms: number, promise: Promise<T>): Promise<T> {
  const end = clock.now() + ms;
  const settled = promise.then(
    () => null,
    () => null,
  );
  for (;;) {
    const waitMs = await Promise.race([settled, clock.timerWithin(end - clock.now())]);
    if (waitMs === null) return await promise;
    clock.advance(waitMs);
  }
}
