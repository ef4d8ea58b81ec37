import { type Commands, createCommands } from '../commands/commands.ts';
import type { DailyQuota } from '../commands/daily-quota.ts';
import type { IdempotentCreator } from '../commands/idempotency/create-once.ts';
import type { MutationPolicy } from '../commands/mutation-policy.ts';
import type { Access } from '../store/cache/scope.ts';
import { createReadContext, type ReadContext } from '../store/cache/single-flight.ts';
import type { Store } from '../store/store.ts';
import type { RequestRules } from '../upstream/requests/validation.ts';
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
  readonly limits: RequestRules;
}

/** Who asks, and with whose view of the upstream. */
export interface Identity {
  readonly viewer: Viewer;
  readonly access: Access;
  /** Whether that still holds: what is open for long looks again. */
  isValid(): boolean;
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
  readonly readContext: ReadContext;
  readonly loaders: Loaders;
  /** What can be followed. */
  readonly feeds: Feeds;
  /** What can be changed. */
  readonly commands: Commands;
  /** Whether anything may be. */
  readonly mutations: MutationPolicy;
  /** How much of what costs money the caller may still do. */
  readonly quota: DailyQuota;
  readonly gateway: GatewayFacts;
}

export type ContextFactory = (request: { requestId: string; signal: AbortSignal; identity: Identity }) => Context;

/** What contexts are made of. */
export interface ContextDependencies {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly watcher: Watcher;
  readonly creator: IdempotentCreator;
  readonly mutations: MutationPolicy;
  readonly gateway: GatewayFacts;
}

export function createContextFactory(parts: ContextDependencies): ContextFactory {
  const { store, watcher, mutations, gateway } = parts;
  return ({ requestId, signal, identity: { viewer, access } }) => {
    const readContext = createReadContext(signal);
    let loaders: Loaders | undefined; // Made at the first read: an answer that is kept needs none.
    return {
      requestId,
      scope: access.scope,
      generation: store.jobs.invalidation.responseGeneration(access),
      viewer,
      operationName: undefined,
      readContext,
      get loaders() {
        loaders ??= createLoaders(store, access, readContext);
        return loaders;
      },
      get feeds() {
        return watcher.feeds(access);
      },
      get commands() {
        return createCommands(parts, { access, name: viewer.name, readContext, quota: this.quota });
      },
      mutations,
      get quota() {
        return mutations.quotaOf(JSON.stringify([access.scope, viewer.name]));
      },
      gateway,
    };
  };
}
