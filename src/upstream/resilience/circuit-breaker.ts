import type { Clock } from '../../clock.ts';
import { UpstreamError } from '../errors/upstream-error.ts';

/** What a call has found: that the upstream answers, that it does not or says that it cannot, or neither. */
export type CallResult = 'up' | 'down' | 'unknown';
/** To be told what came of a call; only the first finding counts. */
export type ReportResult = (finding: CallResult) => void;

/**
 * Fails calls at once while the upstream is down, and lets one through now and then to see whether it is up again. By our
 * clock, which tests turn: the usual libraries read the time of day.
 */
export interface CircuitBreaker {
  /** Throws UPSTREAM_UNAVAILABLE when no call may be made now. */
  check(): void;
  /** As `check`; who passes makes a call, and has to report. */
  startCall(): ReportResult;
}

/** Failures in a row that open it. */
const THRESHOLD = 10;
/** How long it stays open before the first probe; each probe that fails doubles it. */
const MIN_OPEN_MS = 2000;
const MAX_OPEN_MS = 15_000;

export function createCircuitBreaker(clock: Clock): CircuitBreaker {
  let failures = 0;
  let periodMs = MIN_OPEN_MS;
  /** When the next probe may go; null while it is closed. */
  let probeAt: number | null = null;
  /** The report of the probe under way. What others find that were under way when it opened is not the probe's. */
  let probe: ReportResult | null = null;

  function check() {
    if (probeAt === null) return;
    const waitMs = probeAt - clock.now();
    if (waitMs <= 0 && probe === null) return;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new UpstreamError('UPSTREAM_UNAVAILABLE', 'not asked: it was down a moment ago', { retryAfterSeconds });
  }

  function close() {
    failures = 0;
    probeAt = null;
    periodMs = MIN_OPEN_MS;
    probe = null;
  }

  function open(forMs: number) {
    periodMs = forMs;
    probeAt = clock.now() + forMs;
  }

  function createReport(): ReportResult {
    let hasReported = false;
    return function report(finding) {
      if (hasReported) return;
      hasReported = true;
      const isProbe = probe === report;
      if (isProbe) probe = null;
      if (finding === 'up') close();
      else if (finding === 'unknown') return;
      else if (isProbe) open(Math.min(2 * periodMs, MAX_OPEN_MS));
      else if (probeAt === null && ++failures >= THRESHOLD) open(MIN_OPEN_MS);
    };
  }

  return {
    check,
    startCall() {
      check();
      const report = createReport();
      if (probeAt !== null) probe = report;
      return report;
    },
  };
}
