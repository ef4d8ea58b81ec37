import type { ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import { execute } from '../graphql/execute.ts';
import type { Prepared } from '../graphql/prepare.ts';
import type { ConcurrencyQuota } from '../limits/concurrency-quota.ts';
import type { Subscriber, SubscriptionGroups } from '../subscriptions/subscription-groups.ts';

/** Who asks. */
export interface RequestIdentity {
  readonly identity: Identity;
  /** Whose limits count. */
  readonly caller: string;
}

/**
 * Runs a prepared operation, over whatever transport it came: a subscription becomes a member, which has to be ended by
 * `return` unless it comes to its end. Throws a Refusal (429) when there are too many of those.
 */
export type RunOperation = (prepared: Prepared, asker: RequestIdentity) => Promise<ExecutionResult | Subscriber>;

export function createOperationRunner(subscriptionGroups: SubscriptionGroups, quota: ConcurrencyQuota): RunOperation {
  return async (prepared, { identity, caller }) => {
    if (prepared.operation.operation !== 'subscription') return await execute(prepared);
    const leave = quota(caller);
    try {
      const member = subscriptionGroups.subscribe(prepared, identity, leave);
      if (!isSubscription(member)) leave();
      return member;
    } catch (error) {
      leave();
      throw error;
    }
  };
}

export function isSubscription(outcome: ExecutionResult | Subscriber): outcome is Subscriber {
  return Symbol.asyncIterator in outcome;
}
