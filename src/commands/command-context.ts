import type { Access } from '../store/cache/scope.ts';
import type { Caller } from '../store/cache/single-flight.ts';
import type { Store } from '../store/store.ts';
import type { Call } from '../upstream/resilience/transport.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { DailyCaps } from './daily-quota.ts';
import type { Creations } from './idempotency/create-once.ts';

/** Who changes something. */
export interface Changer {
  readonly access: Access;
  /** As whom the gateway knows them; null where callers have no names. */
  readonly name: string | null;
  readonly caller: Caller;
  readonly caps: DailyCaps;
}

/** What changes are made with. */
export interface ChangeParts {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly creations: Creations;
}

/** A call that goes on when its caller leaves: half a change would be worse. */
export function callOf({ access, caller }: Changer): Call {
  return {
    credential: access.credential,
    signal: new AbortController().signal,
    onRequest: () => caller.upstreamCalls++,
  };
}
