import type { Clock } from '../clock.ts';
import { listen } from './event-channel.ts';
import { type BreakerState, breakerChanged, callRetried, credentialRefused, pollFailed } from './events.ts';
import { fleetChanged, fleetCountsAwaited, fleetReset, fleetUnreadable } from './fleet-events.ts';
import type { Logger } from './logger.ts';

/** A shorter wait before a retry is usual. */
const LONG_WAIT_MS = 1000;
/** Minimum time between two equal lines that callers can cause, in milliseconds. */
const MIN_LINE_INTERVAL_MS = 10_000;

const MINUTE_MS = 60_000;

const BREAKER_LINES: Readonly<Record<BreakerState, string>> = {
  open: 'circuit breaker open',
  half_open: 'circuit breaker half-open',
  closed: 'circuit breaker closed',
};

/** Logs the events of the upstream that an operator has to know. Returns the function that stops it. */
export function logEvents(log: Logger, clock: Clock): () => void {
  const warnOfRefusal = createLimitedLine(log, clock, 'upstream refuses the credential');
  const warnOfPoll = createLimitedLine(log, clock, 'poll dropped');
  const warnOfCounts = createLimitedLine(log, clock, 'capped operations are refused: replicas have not counted again');
  const warnOfUnreadable = createLimitedLines(log, clock, 'Redis has what this replica cannot read');
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
    listen(fleetChanged, ({ isAvailable, replicas }) => {
      if (isAvailable) log.info({ replicas }, 'Redis answers');
      else log.warn({ replicas }, 'Redis does not answer');
    }),
    listen(fleetCountsAwaited, (awaited) => warnOfCounts(awaited)),
    listen(fleetUnreadable, ({ kind, problem }) => warnOfUnreadable(kind)({ kind, problem })),
    listen(fleetReset, ({ replicas }) => log.warn({ replicas }, 'Redis can have lost data')),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Creates a warning of which at most one line per kind and minute is written. */
function createLimitedLines(log: Logger, clock: Clock, message: string): (kind: string) => (facts: object) => void {
  const warnings = new Map<string, (facts: object) => void>();
  return (kind) => {
    const warn = warnings.get(kind) ?? createLimitedLine(log, clock, message, MINUTE_MS);
    warnings.set(kind, warn);
    return warn;
  };
}

/** Creates a warning of which at most one line is written per interval. The next line has the number of suppressed ones. */
function createLimitedLine(
  log: Logger,
  clock: Clock,
  message: string,
  intervalMs = MIN_LINE_INTERVAL_MS,
): (facts: object) => void {
  let nextAt = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return (facts) => {
    const now = clock.now();
    if (now < nextAt) return void suppressed++;
    log.warn({ ...facts, ...(suppressed > 0 && { suppressed }) }, message);
    nextAt = now + intervalMs;
    suppressed = 0;
  };
}
