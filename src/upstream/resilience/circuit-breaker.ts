import type { Clock } from '../../clock.ts';
import { type BreakerState, breakerChanged } from '../../telemetry/events.ts';
import { UpstreamError } from '../errors/upstream-error.ts';

/** The result of one call: the upstream responded, is down or overloaded, or neither is known. */
export type CallResult = 'up' | 'down' | 'unknown';
/** Reports the result of a call, and the upstream's id of a failed request. Only the first report counts. */
export type ReportResult = (result: CallResult, upstreamRequestId?: string) => void;

/**
 * Rejects calls while the upstream is down, and lets a probe through after each open period. It uses the injected clock,
 * which libraries for circuit breakers do not.
 */
export interface CircuitBreaker {
  /** Throws UPSTREAM_UNAVAILABLE while the breaker is open or a probe is in flight. */
  check(): void;
  /** Checks, and registers a call. The caller must report its result. */
  startCall(): ReportResult;
  /** Ends the breaker with its credential's connections. */
  dispose(): void;
}

/** Consecutive failures that open the breaker. */
const FAILURE_THRESHOLD = 10;
/** The first open period. Each failed probe doubles it. */
const MIN_OPEN_MS = 2000;
const MAX_OPEN_MS = 15_000;

export function createCircuitBreaker(clock: Clock): CircuitBreaker {
  let failures = 0;
  let openMs = MIN_OPEN_MS;
  /** The time of the next probe; null while the breaker is closed. */
  let probeAt: number | null = null;
  /** The report function of the probe in flight. Calls that started before the breaker opened have other ones. */
  let probe: ReportResult | null = null;
  let state: BreakerState = 'closed';

  function enter(to: BreakerState, upstreamRequestId?: string) {
    if (to !== state && breakerChanged.hasSubscribers) {
      const forMs = to === 'open' ? openMs : undefined;
      breakerChanged.publish({ from: state, to, openMs: forMs, upstreamRequestId });
    }
    state = to;
  }

  function check() {
    if (probeAt === null) return;
    const waitMs = probeAt - clock.now();
    if (waitMs <= 0 && probe === null) return;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'not sent: the circuit breaker is open', { retryAfterSeconds });
  }

  function close() {
    failures = 0;
    probeAt = null;
    openMs = MIN_OPEN_MS;
    probe = null;
    enter('closed');
  }

  function open(forMs: number, upstreamRequestId?: string) {
    openMs = forMs;
    probeAt = clock.now() + forMs;
    enter('open', upstreamRequestId);
  }

  function createReport(): ReportResult {
    let hasReported = false;
    return function report(result, upstreamRequestId) {
      if (hasReported) return;
      hasReported = true;
      const isProbe = probe === report;
      if (isProbe) probe = null;
      if (result === 'up') close();
      else if (isProbe && result === 'down') open(Math.min(2 * openMs, MAX_OPEN_MS), upstreamRequestId);
      else if (isProbe) enter('open');
      else if (result === 'unknown') return;
      else if (probeAt === null && ++failures >= FAILURE_THRESHOLD) open(MIN_OPEN_MS, upstreamRequestId);
    };
  }

  return {
    check,
    startCall() {
      check();
      const report = createReport();
      if (probeAt !== null) {
        probe = report;
        enter('half_open');
      }
      return report;
    },
    dispose: close,
  };
}
