import type { Clock } from '../clock.ts';
import { listen } from './event-channel.ts';
import { type BreakerState, breakerChanged, callRetried, credentialRefused, pollFailed } from './events.ts';
import type { Logger } from './logger.ts';

/** A shorter wait before a retry is usual. */
const LONG_WAIT_MS = 1000;
/** Minimum time between two equal lines that callers can cause, in milliseconds. */
const MIN_LINE_INTERVAL_MS = 10_000;

const BREAKER_LINES: Readonly<Record<BreakerState, string>> = {
  open: 'circuit breaker open',
  half_open: 'circuit breaker half-open',
  closed: 'circuit breaker closed',
};

/** Logs the events of the upstream that an operator has to know. Returns the function that stops it. */
export function logEvents(log: Logger, clock: Clock): () => void {
  const warnOfRefusal = createLimitedLine(log, clock, 'upstream refuses the credential');
  const warnOfPoll = createLimitedLine(log, clock, 'poll dropped');
  const stops = [
    listen(breakerChanged, ({ from, to, openMs, upstreamRequestId }) => {
      const level = to === 'open' ? 'warn' : 'info';
      log[level]({ from, openMs, upstreamRequestId }, BREAKER_LINES[to]);
    }),
    listen(callRetried, ({ errorCode: code, ...retry }) => {
      if (retry.waitMs >= LONG_WAIT_MS) log.warn({ ...retry, code }, 'upstream retry');
    }),
    listen(credentialRefused, (refusal) => warnOfRefusal(refusal)),
    listen(pollFailed, ({ kind, outcome, errorCode: code, upstreamRequestId }) => {
      if (outcome === 'dropped') warnOfPoll({ kind, code, upstreamRequestId });
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Creates a warning of which at most one line is written per interval. The next line has the number of suppressed ones. */
function createLimitedLine(log: Logger, clock: Clock, message: string): (facts: object) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return (facts) => {
    const now = clock.now();
    if (now < nextAt) return void suppressed++;
    log.warn({ ...facts, ...(suppressed > 0 && { suppressed }) }, message);
    nextAt = now + MIN_LINE_INTERVAL_MS;
    suppressed = 0;
  };
}
