import type { ReadContext } from '../store/cache/read-context.ts';
import type { Access } from '../store/cache/scope.ts';
import type { Store } from '../store/store.ts';
import { CallClaims } from '../upstream/resilience/call-claims.ts';
import type { Call } from '../upstream/resilience/transport.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DailyQuota } from './daily-quota.ts';
import type { IdempotentCreator } from './idempotency/create-once.ts';

/** The request that runs a command. */
export interface CommandContext {
  readonly access: Access;
  /** Identifies the caller; null without a token. */
  readonly callerId: string | null;
  readonly readContext: ReadContext;
  readonly quota: DailyQuota;
}

/** Dependencies of all commands. */
export interface CommandDependencies {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly creator: IdempotentCreator;
}

/** Returns the options of an upstream call. It is not aborted when the client disconnects, as its outcome would be unknown. */
export function callOf({ access, readContext }: Pick<CommandContext, 'access' | 'readContext'>): Call {
  return {
    credential: access.credential,
    signal: new AbortController().signal,
    claims: new CallClaims(readContext.claimant),
    onRequest: () => readContext.countCall(),
    onResponse: ({ upstreamRequestId }) => {
      readContext.upstreamRequestId = upstreamRequestId;
    },
  };
}
