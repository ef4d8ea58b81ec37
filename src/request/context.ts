import { type Changes, createChanges } from '../commands/commands.ts';
import type { DailyCaps } from '../commands/daily-quota.ts';
import type { Creations } from '../commands/idempotency/create-once.ts';
import type { MutationPolicy } from '../commands/mutation-policy.ts';
import type { Access } from '../store/cache/scope.ts';
import { type Caller, createCaller } from '../store/cache/single-flight.ts';
import type { Store } from '../store/store.ts';
import type { LimitsOf } from '../upstream/requests/validation.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Feeds, Watcher } from '../watch/watcher.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { Viewer } from './viewer.ts';

/** What this gateway is: the same for everybody who asks. */
export interface GatewayFacts {
  readonly version: string;
  readonly isSandbox: boolean;
  readonly upstreamName: string;
  /** Whose limits hold for what is sent to the upstream. */
  readonly limits: LimitsOf;
}

/** Who asks, and with whose view of the upstream. */
export interface Identity {
  readonly viewer: Viewer;
  readonly access: Access;
  /** Whether that still holds: what is open for long looks again. */
  isInForce(): boolean;
}

/** What every resolver gets: made anew for each request. */
export interface Context {
  readonly requestId: string;
  /** Whose view of the upstream the answer shows. */
  readonly scope: string;
  /** Which whole answers are to be believed: those of the same number. */
  readonly generation: number;
  readonly viewer: Viewer;
  /** The operation that runs, for the log; set once the document is understood. */
  operationName: string | undefined;
  readonly caller: Caller;
  readonly loaders: Loaders;
  /** What can be followed. */
  readonly feeds: Feeds;
  /** What can be changed. */
  readonly changes: Changes;
  /** Whether anything may be. */
  readonly mutations: MutationPolicy;
  /** How much of what costs money the caller may still do. */
  readonly caps: DailyCaps;
  readonly gateway: GatewayFacts;
}

export type ContextFactory = (request: { requestId: string; signal: AbortSignal; identity: Identity }) => Context;

/** What contexts are made of. */
export interface ContextParts {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly watcher: Watcher;
  readonly creations: Creations;
  readonly mutations: MutationPolicy;
  readonly gateway: GatewayFacts;
}

export function createContextFactory(parts: ContextParts): ContextFactory {
  const { store, watcher, mutations, gateway } = parts;
  return ({ requestId, signal, identity: { viewer, access } }) => {
    const caller = createCaller(signal);
    let loaders: Loaders | undefined; // Made at the first read: an answer that is kept needs none.
    return {
      requestId,
      scope: access.scope,
      generation: store.jobs.generation(access),
      viewer,
      operationName: undefined,
      caller,
      get loaders() {
        loaders ??= createLoaders(store, access, caller);
        return loaders;
      },
      get feeds() {
        return watcher.feeds(access);
      },
      get changes() {
        return createChanges(parts, { access, name: viewer.name, caller, caps: this.caps });
      },
      mutations,
      get caps() {
        return mutations.capsOf(JSON.stringify([access.scope, viewer.name]));
      },
      gateway,
    };
  };
}
