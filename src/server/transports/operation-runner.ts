import type { ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Caller } from '../../upstream/resilience/call-claims.ts';
import { execute } from '../graphql/execute.ts';
import type { Prepared } from '../graphql/prepare.ts';
import { subscriptionEvidenceOf } from '../limits/accepted-credentials.ts';
import type { CallerBudget } from '../limits/caller-rate-limiter.ts';
import type { SharedQuota } from '../limits/concurrency-quota.ts';
import type { Subscriber } from '../subscriptions/subscriber.ts';
import type { SubscriptionGroups } from '../subscriptions/subscription-groups.ts';

/** The caller of a request, and what it may spend. */
export interface RequestIdentity {
  readonly identity: Identity;
  readonly caller: Caller;
  readonly budget: CallerBudget;
}

/**
 * Executes a prepared operation of any transport. Resolves to a subscriber for a subscription; the caller must `end` it,
 * unless it ends by itself. Rejects with an HttpError (429) when the caller or the gateway has too many
 * subscriptions.
 */
export type RunOperation = (prepared: Prepared, requester: RequestIdentity) => Promise<ExecutionResult | Subscriber>;

export function createOperationRunner(subscriptionGroups: SubscriptionGroups, quota: SharedQuota): RunOperation {
  return async (prepared, { identity, caller, budget }) => {
    if (prepared.operation.operation !== 'subscription') return await execute(prepared);
    const releasing = quota(budget.limitKey); // Invented keys of one address count as one caller.
    const release = releasing instanceof Promise ? await releasing : releasing;
    try {
      const subscriber = subscriptionGroups.subscribe(
        prepared,
        identity,
        { caller, account: budget.openAccount() },
        { onFirstResult: (result) => void budget.recordEvidence(subscriptionEvidenceOf(result), 1), onEnd: release },
      );
      if (!isSubscription(subscriber)) release();
      return subscriber;
    } catch (error) {
      release();
      throw error;
    }
  };
}

export function isSubscription(outcome: ExecutionResult | Subscriber): outcome is Subscriber {
  return 'request' in outcome;
}
