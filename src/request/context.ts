import type { Clock } from '../clock.ts';
import { type Commands, createCommands } from '../commands/commands.ts';
import type { DailyQuota } from '../commands/daily-quota.ts';
import type { IdempotentCreator } from '../commands/idempotency/create-once.ts';
import type { MutationPolicy } from '../commands/mutation-policy.ts';
import { Cancellation } from '../store/cache/cancellation.ts';
import { ReadContext } from '../store/cache/read-context.ts';
import type { Access } from '../store/cache/scope.ts';
import type { Store } from '../store/store.ts';
import type { OperationType } from '../telemetry/events.ts';
import type { HyperparameterPlacement } from '../upstream/requests/hyperparameter-placement.ts';
import type { RequestRules } from '../upstream/requests/validation.ts';
import type { Claimant } from '../upstream/resilience/call-claims.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Feeds, Watcher } from '../watch/watcher.ts';
import { type Loaders, RequestLoaders } from './loaders.ts';
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
  /** Identifies the caller for limits, quotas and idempotency keys; null without a token. Unlike its name, never that of another. */
  readonly callerId: string | null;
  /** When the authentication expires, by the time of day in milliseconds; Infinity if it does not. */
  readonly expiresAt: number;
  /** Whether the authentication is still valid. Long-lived connections check it repeatedly. */
  isValid(): boolean;
  /** The same caller with the upstream credential that is in use now. */
  current(): Identity;
}

/** The context of all resolvers of one request. */
export interface Context {
  /** Id of the request, in the response and in the log. */
  readonly requestId: string;
  /** Cache partition of the credential. */
  readonly scope: string;
  /** Name and role of the caller. */
  readonly viewer: Viewer;
  /** Identifies the caller; null without a token. */
  readonly callerId: string | null;
  /** Name of the operation, for the log; undefined until the document is parsed. */
  operationName: string | undefined;
  /** Undefined until the document is parsed. */
  operationType: OperationType | undefined;
  /** Whether the document is one of TRUSTED_DOCUMENTS. */
  isTrusted: boolean;
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

/** The facts about an operation that are logged and counted. */
export type OperationFacts = Pick<Context, 'operationName' | 'operationType' | 'isTrusted'>;

/** The parts of a context that are logged. */
export type LoggedContext = OperationFacts & { readonly readContext: Pick<ReadContext, 'upstreamCalls'> };

/** Returns a copy of the facts, without the rest of a context. */
export function loggedContextOf(
  { operationName, operationType, isTrusted }: OperationFacts,
  upstreamCalls: number,
): LoggedContext {
  return { operationName, operationType, isTrusted, readContext: { upstreamCalls } };
}

export interface ContextRequest {
  readonly requestId: string;
  /** Aborted when the client disconnects. */
  readonly cancellation?: Cancellation;
  /** In place of `cancellation`, where the transport has a signal. */
  readonly signal?: AbortSignal;
  readonly identity: Identity;
  /** Owns the turns of the request's upstream calls. */
  readonly claimant: Claimant;
}

export type ContextFactory = (request: ContextRequest) => Context;

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

/** A class, because there is one per request: most requests need only some of its members. */
class RequestContext implements Context {
  readonly requestId: string;
  readonly viewer: Viewer;
  readonly callerId: string | null;
  readonly readContext: ReadContext;
  readonly response: ResponseMeter;
  operationName: string | undefined = undefined;
  operationType: OperationType | undefined = undefined;
  isTrusted = false;
  readonly #access: Access;
  readonly #dependencies: ContextDependencies;
  #loaders: Loaders | null = null;

  constructor(dependencies: ContextDependencies, request: ContextRequest) {
    const { requestId, identity, claimant, signal, cancellation = signal && Cancellation.of(signal) } = request;
    const { viewer, access, callerId } = identity;
    this.#dependencies = dependencies;
    this.#access = access;
    this.callerId = callerId;
    this.requestId = requestId;
    this.viewer = viewer;
    this.readContext = new ReadContext(claimant, cancellation);
    this.response = new ResponseMeter(dependencies.maxResponseBytes);
  }

  get scope(): string {
    return this.#access.scope;
  }

  /** Created at the first read: a cached response needs none. */
  get loaders(): Loaders {
    this.#loaders ??= new RequestLoaders(this.#dependencies.store, this.#access, this.readContext);
    return this.#loaders;
  }

  get methodsUsedOn(): Context['methodsUsedOn'] {
    return (modelId) => this.#dependencies.store.jobs.methodsUsedOn(this.#access, modelId);
  }

  get feeds(): Feeds {
    return this.#dependencies.watcher.feeds(this.#access, this.readContext.claimant);
  }

  get now(): Context['now'] {
    return this.#dependencies.clock.now;
  }

  get commands(): Commands {
    const { callerId, readContext, quota } = this;
    return createCommands(this.#dependencies, { access: this.#access, callerId, readContext, quota });
  }

  get mutations(): MutationPolicy {
    return this.#dependencies.mutations;
  }

  get quota(): DailyQuota {
    // A named caller outlives a change of the API key.
    return this.mutations.quotaOf(JSON.stringify([this.callerId === null ? this.scope : null, this.callerId]));
  }

  get gateway(): GatewayFacts {
    return this.#dependencies.gateway;
  }
}

export function createContextFactory(dependencies: ContextDependencies): ContextFactory {
  return (request) => new RequestContext(dependencies, request);
}
