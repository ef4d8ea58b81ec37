import { type AddressInfo, isIPv6 } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Clock } from '../clock.ts';
import type { MemoryCache } from '../memory-cache.ts';
import type { ContextFactory, Identity } from '../request/context.ts';
import type { OpenCounts } from '../state/open-counts.ts';
import type { SharedState } from '../state/shared-state.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { type ConnectionLimits, createConnections } from './connections.ts';
import { createDashboard } from './dashboard/dashboard.ts';
import { createDownloads } from './downloads/download.ts';
import type { ExampleIds } from './graphiql/example-tabs.ts';
import { createGraphiql } from './graphiql/graphiql.ts';
import { createFindDocument, type DocumentOptions } from './graphql/document-lookup.ts';
import { createEngine } from './graphql/engine.ts';
import { createPrivacyCheck } from './graphql/private-fields.ts';
import { createResponseCache } from './graphql/response-cache.ts';
import { SharedExecutions } from './graphql/shared-execution.ts';
import { createBodyTimeouts } from './http/body-timeout.ts';
import { createCompress } from './http/compression.ts';
import { createConnectionRegistry } from './http/connection-registry.ts';
import { createAddressMatcher, createRemoteOf } from './http/remote.ts';
import { createWebhooks } from './http/webhook-endpoint.ts';
import { createLazyWebSockets } from './lazy-websockets.ts';
import { createCallerRateLimiter } from './limits/caller-rate-limiter.ts';
import { createSharedQuota } from './limits/concurrency-quota.ts';
import type { Limits } from './limits/query-limits.ts';
import { createRouter } from './router.ts';
import { createSubscriptionGroups } from './subscriptions/subscription-groups.ts';
import { createOperationRunner } from './transports/operation-runner.ts';
import { createStreamRegistry } from './transports/stream-registry.ts';
import { createReadUpload } from './upload/multipart-request.ts';
import { useWebSockets } from './websocket-upgrade.ts';

export interface HttpConfig extends ConnectionLimits, DocumentOptions {
  /** Maximum bytes of an uploaded file. */
  readonly maxUploadBytes: number;
  /** Minimum bytes of a response that is compressed; null turns compression off. */
  readonly compressionMinBytes: number | null;
  readonly corsOrigins: readonly string[];
  readonly hasIntrospection: boolean;
  readonly hasGraphiql: boolean;
  readonly hasDashboard: boolean;
}

export interface SubscriptionConfig {
  readonly heartbeatMs: number;
  readonly maxSubscriptions: number;
  readonly maxSubscriptionsPerCaller: number;
}

export interface ShutdownConfig {
  /** How long a stopping server still accepts requests, in milliseconds. */
  readonly drainDelayMs: number;
  /** Maximum time for which it then keeps idle connections open, in milliseconds. */
  readonly idleDrainMs: number;
  /** Maximum time from the end of the streams to the end of the requests in progress, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ServerOptions {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  /** Address ranges of the proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: readonly string[];
  http: HttpConfig;
  limits: Limits;
  /** Whether callers authenticate with their own keys of the upstream. A client can invent any number of them. */
  isPassthrough: boolean;
  subscriptions: SubscriptionConfig;
  /** Counts the points and the subscriptions of callers, and knows the webhooks that were delivered. */
  state: Pick<SharedState, 'points' | 'subscriptions' | 'webhookIds'>;
  shutdown: ShutdownConfig;
  /** Maximum sockets to the upstream per credential. */
  upstreamConnections: number;
  schema: GraphQLSchema;
  authenticate: Authenticate;
  createContext: ContextFactory;
  /** Returns a number that increases whenever cached responses of a credential become invalid. */
  generationOf: (access: Identity['access']) => number;
  /** Inserted into the variables of GraphiQL's example tabs. */
  examples: ExampleIds;
  /** Returns the secret with which the upstream signs its webhooks now; undefined when they are off. */
  webhookSecret: (() => string) | undefined;
  /** Returns why the gateway cannot serve traffic though it runs; null if it can. */
  findProblem: () => Promise<string | null>;
  /** Called when a job may have changed upstream. */
  onHint: (jobId: string) => void;
  log: Logger;
  clock: Clock;
  /** Holds responses and parsed documents. */
  memoryCache: MemoryCache;
}

export interface Server {
  /** The URL of the GraphQL endpoint, such as `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Whether it accepts traffic; false once it stops. */
  readonly isReady: boolean;
  /** Number of open streams and WebSockets. */
  readonly streams: number;
  /** Number of subscription groups. */
  readonly groups: number;
  /** Ends all open streams, so that their clients subscribe again with the current upstream key. */
  replaceStreams(): void;
  /**
   * Shuts down: `/ready` responds 503 at once, all responses end their connections, and traffic continues for
   * `drainDelayMs`. Then the server stops listening. While connections are idle, at most for `idleDrainMs`, it responds to
   * requests on them. Then it interrupts all streams and waits for requests in progress, such as uploads. After `timeoutMs`
   * it closes the remaining connections.
   */
  dispose(): Promise<void>;
}

/** Creates the server and listens. Rejects with Node's error when the address is not available. */
export async function createServer({
  host,
  port,
  trustedProxies,
  limits,
  isPassthrough,
  upstreamConnections,
  schema,
  subscriptions,
  state,
  shutdown: { drainDelayMs, idleDrainMs, timeoutMs },
  examples,
  memoryCache,
  webhookSecret: secret,
  onHint,
  http: config,
  ...rest
}: ServerOptions): Promise<Server> {
  let isReady = true;
  const { clock, log, createContext } = rest;
  const streams = createStreamRegistry(clock, subscriptions.heartbeatMs);
  const hideSuggestions = !config.hasIntrospection;
  const subscriptionGroups = createSubscriptionGroups({ schema, createContext, log, clock, hideSuggestions });
  const isProxy = trustedProxies.length === 0 ? null : createAddressMatcher(trustedProxies);
  const connections = createConnectionRegistry(config, isProxy);
  const shared = {
    holdConnection: connections.hold,
    engine: createEngine(schema, log, config.hasIntrospection, memoryCache),
    runOperation: createOperationRunner(
      subscriptionGroups,
      createSubscriptionQuota(subscriptions, state.subscriptions),
    ),
    createBudget: createCallerRateLimiter(limits, isPassthrough, state.points),
    findDocument: createFindDocument(config, log),
    corsOrigins: config.corsOrigins,
    remoteOf: createRemoteOf(isProxy),
    compress: createCompress(config.compressionMinBytes),
    streams,
    ...rest,
  };
  const bodyTimeouts = createBodyTimeouts(config.bodyTimeoutMs, clock);
  const router = createRouter({
    readUpload: createReadUpload({ ...config, upstreamConnections, bodyTimeouts, schema, clock }),
    responseCache: createResponseCache(clock, memoryCache),
    sharedExecutions: new SharedExecutions(),
    isPrivate: createPrivacyCheck(schema),
    downloads: createDownloads({ upstreamConnections, isPassthrough, log }),
    idleTimeoutMs: config.idleTimeoutMs,
    graphiql: config.hasGraphiql ? createGraphiql(examples) : undefined,
    dashboard: config.hasDashboard ? createDashboard(log) : undefined,
    webhooks: secret === undefined ? undefined : createWebhooks({ secret, onHint, seen: state.webhookIds, log, clock }),
    isReady: () => isReady,
    ...shared,
  });
  const sockets = createLazyWebSockets({ schema, messageTimeoutMs: config.bodyTimeoutMs, ...shared });
  const { server, drain } = createConnections(router, bodyTimeouts, config, connections, log, clock);
  useWebSockets(server, sockets, shared);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: urlOf(host, server.address() as AddressInfo), // The address of a TCP server.
    get isReady() {
      return isReady;
    },
    get streams() {
      return streams.size;
    },
    get groups() {
      return subscriptionGroups.size;
    },
    replaceStreams: streams.replace,
    async dispose() {
      isReady = false;
      if (drainDelayMs > 0) {
        drain.announce();
        await new Promise<void>((resolve) => clock.after(drainDelayMs, resolve));
      }
      await drain.stopListening();
      drain.announce(); // Without a delay not before: clients would open connections at the moment of the stop.
      await drain.idleEnded(idleDrainMs);
      const closed = drain.close();
      const drainMs = streams.drain();
      const cancelTermination = clock.after(drainMs + timeoutMs, () => {
        log.warn({ timeoutMs }, 'SHUTDOWN_TIMEOUT_MS has passed; closing the connections of unfinished requests');
        server.closeAllConnections();
        sockets.terminateAll();
      });
      await closed;
      cancelTermination();
    },
  };
}

function createSubscriptionQuota(
  { maxSubscriptions, maxSubscriptionsPerCaller }: SubscriptionConfig,
  counts: OpenCounts,
) {
  const options = {
    noun: 'Subscriptions',
    total: { max: maxSubscriptions, setting: 'MAX_SUBSCRIPTIONS' },
    perCaller: { max: maxSubscriptionsPerCaller, setting: 'MAX_SUBSCRIPTIONS_PER_CALLER' },
  } as const;
  return createSharedQuota(options, counts);
}

/** A URL that opens on this machine: a wildcard address becomes localhost, which is always an allowed host. */
function urlOf(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}/graphql`;
}
