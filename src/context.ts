import { createLoaders, type Loaders } from './loaders.ts';
import { type Caller, createCaller } from './store/flights.ts';
import type { Access } from './store/scope.ts';
import type { Store } from './store/store.ts';

/** What this gateway is: the same for everybody who asks. */
export interface GatewayFacts {
  readonly version: string;
  readonly isSandbox: boolean;
  readonly upstreamName: string;
}

/** What every resolver gets: made anew for each request. */
export interface Context {
  readonly requestId: string;
  /** Whose view of the upstream the answer shows. */
  readonly scope: string;
  /** When something last happened that puts whole answers out of date, in milliseconds since the epoch. */
  readonly outdatedAt: number;
  /** The operation that runs, for the log; set once the document is understood. */
  operationName: string | undefined;
  readonly caller: Caller;
  readonly loaders: Loaders;
  readonly gateway: GatewayFacts;
}

export type ContextFactory = (request: { requestId: string; signal: AbortSignal }) => Context;

export function createContextFactory(store: Store, access: Access, gateway: GatewayFacts): ContextFactory {
  return ({ requestId, signal }) => {
    const caller = createCaller(signal);
    return {
      requestId,
      scope: access.scope,
      outdatedAt: store.jobs.lastEndAt(access),
      operationName: undefined,
      caller,
      loaders: createLoaders(store, access, caller),
      gateway,
    };
  };
}
