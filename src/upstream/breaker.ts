import type { Clock } from '../clock.ts';
import { UpstreamError } from './errors.ts';

/**
 * Fails calls at once while the upstream is down, and lets one through now and then to see whether it is up again. By our
 * clock, which tests turn: the usual libraries read the time of day.
 */
export interface Breaker {
  /** Throws UPSTREAM_UNAVAILABLE while it is open. Whoever passes has to report what came of it. */
  admit(): void;
  /** The upstream has answered, whatever it said. */
  isUp(): void;
  /** The upstream did not answer, or that it cannot. */
  isDown(): void;
  /** The call has ended before it could tell. */
  knowsNothing(): void;
}

/** Failures in a row that open it. */
const THRESHOLD = 10;
/** How long it stays open before the first probe; each probe that fails doubles it. */
const FIRST_PERIOD_MS = 2000;
const LONGEST_PERIOD_MS = 15_000;

export function createBreaker(clock: Clock): Breaker {
  let failures = 0;
  let periodMs = FIRST_PERIOD_MS;
  /** When the next probe may go; null while it is closed. */
  let probeAt: number | null = null;
  let isProbing = false;

  return {
    admit() {
      if (probeAt === null) return;
      const waitMs = probeAt - clock.now();
      if (waitMs <= 0 && !isProbing) {
        isProbing = true;
        return;
      }
      const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
      throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'not asked: it was down a moment ago', { retryAfterSeconds });
    },
    isUp() {
      failures = 0;
      probeAt = null;
      periodMs = FIRST_PERIOD_MS;
      isProbing = false;
    },
    isDown() {
      failures++;
      if (isProbing) periodMs = Math.min(2 * periodMs, LONGEST_PERIOD_MS);
      else if (probeAt !== null || failures < THRESHOLD) return; // One of those that were under way when it opened.
      probeAt = clock.now() + periodMs;
      isProbing = false;
    },
    knowsNothing() {
      isProbing = false;
    },
  };
}
