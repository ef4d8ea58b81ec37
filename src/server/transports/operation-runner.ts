import type { ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import { execute } from '../graphql/execute.ts';
import type { Prepared } from '../graphql/prepare.ts';
import type { ConcurrencyQuota } from '../limits/concurrency-quota.ts';
import type { Subscriber, SubscriptionGroups } from '../subscriptions/subscription-groups.ts';

/** The caller of a request. */
export interface RequestIdentity {
  readonly identity: Identity;
  /** The key of the caller's limits. */
  readonly caller: string;
}

/**
 * Executes a prepared operation of any transport. Resolves to a subscriber for a subscription; the caller must end it by
 * `return`, unless it ends by itself. Rejects with an HttpError (429) when the caller or the gateway has too many
 * subscriptions.
 */
export type RunOperation = (prepared: Prepared, requester: RequestIdentity) => Promise<ExecutionResult | Subscriber>;

export function createOperationRunner(subscriptionGroups: SubscriptionGroups, quota: ConcurrencyQuota): RunOperation {
  return async (prepared, { identity, caller }) => {
    if (prepared.operation.operation !== 'subscription') return await execute(prepared);
    const release = quota(caller);
    try {
      const subscriber = subscriptionGroups.subscribe(prepared, identity, release);
      if (!isSubscription(subscriber)) release();
      return subscriber;
    } catch (error) {
      release();
      throw error;
    }
  };
}

export function isSubscription(outcome: ExecutionResult | Subscriber): outcome is Subscriber {
  return Symbol.asyncIterator in outcome;
}
