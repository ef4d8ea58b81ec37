import type { SpanEvent } from '../../telemetry/spans.ts';
import type { Caller, Claimant } from '../../upstream/resilience/call-claims.ts';

interface Subscriber {
  readonly callers: Iterable<Caller>;
}

/** The callers of several subscribers, as they are when it is iterated over. A caller can come more than once. */
export function callersOf(...groups: readonly Iterable<Subscriber>[]): Iterable<Caller> {
  return {
    *[Symbol.iterator]() {
      let last: Iterable<Caller> | undefined;
      for (const subscribers of groups) {
        for (const { callers } of subscribers) {
          if (callers !== last) yield* callers; // Equal subscriptions share one object.
          last = callers;
        }
      }
    },
  };
}

/** The claimant of a poll: all subscribers that it serves. It takes the first turn that any of them has. */
export function pollClaimant(
  callers: Iterable<Caller>,
  span: SpanEvent | null = null,
  cause: 'webhook' | 'poll' = 'poll',
): Claimant {
  return { priority: 'poll', callers, trace: span?.context, cause: cause === 'webhook' ? cause : undefined };
}
