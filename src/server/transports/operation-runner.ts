import type { ExecutionResult } from 'graphql';
import type { Identity } from '../../request/context.ts';
import { execute } from '../graphql/execute.ts';
import type { Prepared } from '../graphql/prepare.ts';
import type { Quota } from '../limits/concurrency-quota.ts';
import type { Groups, Member } from '../subscriptions/subscription-groups.ts';

/** Who asks. */
export interface Asker {
  readonly identity: Identity;
  /** Whose limits count. */
  readonly caller: string;
}

/**
 * Runs a prepared operation, over whatever transport it came: a subscription becomes a member, which has to be ended by
 * `return` unless it comes to its end. Throws a Refusal (429) when there are too many of those.
 */
export type Operate = (prepared: Prepared, asker: Asker) => Promise<ExecutionResult | Member>;

export function createOperate(groups: Groups, quota: Quota): Operate {
  return async (prepared, { identity, caller }) => {
    if (prepared.operation.operation !== 'subscription') return await execute(prepared);
    const leave = quota(caller);
    try {
      const member = groups.join(prepared, identity, leave);
      if (!isLive(member)) leave();
      return member;
    } catch (error) {
      leave();
      throw error;
    }
  };
}

export function isLive(outcome: ExecutionResult | Member): outcome is Member {
  return Symbol.asyncIterator in outcome;
}
