import type { Access } from '../store/cache/scope.ts';
import type { ReadContext } from '../store/cache/single-flight.ts';
import type { Store } from '../store/store.ts';
import type { Call } from '../upstream/resilience/transport.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DailyQuota } from './daily-quota.ts';
import type { IdempotentCreator } from './idempotency/create-once.ts';

/** Who changes something. */
export interface CommandContext {
  readonly access: Access;
  /** As whom the gateway knows them; null where callers have no names. */
  readonly name: string | null;
  readonly readContext: ReadContext;
  readonly quota: DailyQuota;
}

/** What changes are made with. */
export interface CommandDependencies {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly creator: IdempotentCreator;
}

/** A call that goes on when its caller leaves: half a change would be worse. */
export function callOf({ access, readContext }: CommandContext): Call {
  return {
    credential: access.credential,
    signal: new AbortController().signal,
    onRequest: () => readContext.upstreamCalls++,
  };
}
