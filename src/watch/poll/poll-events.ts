import { type PollFailed, type PollKind, pollFailed, pollStarted } from '../../telemetry/events.ts';
import { endSpan, type SpanEvent, spanStarted, startSpan } from '../../telemetry/spans.ts';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { type Caller, linksOf } from '../../upstream/resilience/call-claims.ts';

/**
 * Runs a poll that starts `lagMs` after it was due. Reports it, and gives it a span that is linked to those of its callers;
 * null without a tracer.
 */
export async function observePoll<T>(
  kind: PollKind,
  callers: Iterable<Caller>,
  lagMs: number,
  run: (span: SpanEvent | null) => Promise<T>,
): Promise<T> {
  if (pollStarted.hasSubscribers) pollStarted.publish({ kind, lagSeconds: Math.max(0, lagMs) / 1000 });
  if (!spanStarted.hasSubscribers) return await run(null);
  const span = startSpan('poll', `poll ${kind}`, null, linksOf(callers));
  try {
    const result = await run(span);
    endSpan(span);
    return result;
  } catch (error) {
    endSpan(span, {}, codeOf(error));
    throw error;
  }
}

/** Reports a failed poll. */
export function reportPollFailure(kind: PollKind, outcome: PollFailed['outcome'], error: unknown): void {
  if (!pollFailed.hasSubscribers) return;
  const upstreamRequestId = error instanceof UpstreamError ? error.facts.upstreamRequestId : undefined;
  pollFailed.publish({ kind, outcome, errorCode: codeOf(error), upstreamRequestId });
}

const codeOf = (error: unknown) => (error instanceof UpstreamError ? error.code : 'INTERNAL');
