import type { Clock } from '../clock.ts';
import { type Commands, createCommands } from '../commands/commands.ts';
import type { DailyQuota } from '../commands/daily-quota.ts';
import type { IdempotentCreator } from '../commands/idempotency/create-once.ts';
import type { MutationPolicy } from '../commands/mutation-policy.ts';
import type { Access } from '../store/cache/scope.ts';
import { createReadContext, type ReadContext } from '../store/cache/single-flight.ts';
import type { Store } from '../store/store.ts';
import type { HyperparameterPlacement } from '../upstream/requests/hyperparameter-placement.ts';
import type { RequestRules } from '../upstream/requests/validation.ts';
import type { Claimant } from '../upstream/resilience/call-claims.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Feeds, Watcher } from '../watch/watcher.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { PriceList } from './price-list.ts';
import { ResponseMeter } from './response-meter.ts';
import type { Viewer } from './viewer.ts';

/** Facts about this gateway, the same for all callers. */
export interface GatewayFacts {
  readonly version: string;
  readonly isSandbox: boolean;
  readonly upstreamName: string;
  /** The upstream's limits for requests. */
  readonly limits: RequestRules;
  /** Where the upstream looks for the hyperparameters of a new job. */
  readonly hyperparameters: HyperparameterPlacement;
  /** Prices of training that the operator has entered. */
  readonly prices: PriceList;
}

/** An authenticated caller. */
export interface Identity {
  readonly viewer: Viewer;
  readonly access: Access;
  /** Whether the authentication is still valid. Long-lived connections check it repeatedly. */
  isValid(): boolean;
}

/** The context of all resolvers of one request. */
export interface Context {
  /** Id of the request, in the response and in the log. */
  readonly requestId: string;
  /** Cache partition of the credential. */
  readonly scope: string;
  /** Name and role of the caller. */
  readonly viewer: Viewer;
  /** Name of the operation, for the log; undefined until the document is parsed. */
  operationName: string | undefined;
  /** Signal, upstream call count and freshness of the request's reads. */
  readonly readContext: ReadContext;
  /** Bytes of the response so far. */
  readonly response: ResponseMeter;
  /** Batched reads. */
  readonly loaders: Loaders;
  /** Returns the methods of the jobs that the gateway has observed on a base model. Calls no upstream. */
  methodsUsedOn(modelId: string): readonly string[];
  /** Live data for subscriptions. */
  readonly feeds: Feeds;
  /** Returns the time, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Effects of mutations. */
  readonly commands: Commands;
  /** Whether mutations are allowed, and their audit log. */
  readonly mutations: MutationPolicy;
  /** Daily quota of the caller. */
  readonly quota: DailyQuota;
  /** Facts about this gateway. */
  readonly gateway: GatewayFacts;
}

export type ContextFactory = (request: {
  requestId: string;
  signal: AbortSignal;
  identity: Identity;
  /** Owns the turns of the request's upstream calls. */
  claimant: Claimant;
}) => Context;

/** Dependencies of all contexts. */
export interface ContextDependencies {
  readonly upstream: Upstream;
  readonly store: Store;
  readonly watcher: Watcher;
  readonly creator: IdempotentCreator;
  readonly mutations: MutationPolicy;
  readonly gateway: GatewayFacts;
  readonly clock: Clock;
  /** Maximum bytes of a response as JSON. */
  readonly maxResponseBytes: number;
}

export function createContextFactory(dependencies: ContextDependencies): ContextFactory {
  const { store, watcher, mutations, gateway, clock, maxResponseBytes } = dependencies;
  return ({ requestId, signal, identity: { viewer, access }, claimant }) => {
    const readContext = createReadContext(signal, claimant);
    let loaders: Loaders | undefined; // Created at the first read: a cached response needs none.
    return {
      requestId,
      scope: access.scope,
      viewer,
      operationName: undefined,
      readContext,
      response: new ResponseMeter(maxResponseBytes),
      get loaders() {
        loaders ??= createLoaders(store, access, readContext);
        return loaders;
      },
      methodsUsedOn: (modelId) => store.jobs.methodsUsedOn(access, modelId),
      get feeds() {
        return watcher.feeds(access, claimant);
      },
      now: clock.now,
      get commands() {
        return createCommands(dependencies, { access, callerName: viewer.name, readContext, quota: this.quota });
      },
      mutations,
      get quota() {
        return mutations.quotaOf(JSON.stringify([access.scope, viewer.name]));
      },
      gateway,
    };
  };
}
