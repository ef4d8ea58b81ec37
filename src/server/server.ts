import { type AddressInfo, isIPv6 } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Clock } from '../clock.ts';
import type { ContextFactory } from '../request/context.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { type ConnectionLimits, createConnections } from './connections.ts';
import { createGraphiql } from './graphiql/graphiql.ts';
import { createFindDocument, type DocumentOptions } from './graphql/document-lookup.ts';
import { createEngine } from './graphql/engine.ts';
import { createResponseCache } from './graphql/response-cache.ts';
import type { NoTimeoutRequests } from './http/client-error.ts';
import { createWebhooks } from './http/webhook-endpoint.ts';
import { createCallerRateLimiter } from './limits/caller-rate-limiter.ts';
import { createConcurrencyQuota } from './limits/concurrency-quota.ts';
import type { Limits } from './limits/query-limits.ts';
import { createRouter } from './router.ts';
import { createSubscriptionGroups } from './subscriptions/subscription-groups.ts';
import { createOperationRunner } from './transports/operation-runner.ts';
import { createStreamRegistry } from './transports/stream-registry.ts';
import { createWebSockets } from './transports/ws.ts';
import { createReadUpload } from './upload/multipart-request.ts';
import { useWebSockets } from './websocket-upgrade.ts';

/** How long requests under way may take to end when the server stops, in milliseconds. */
const GRACE_MS = 10_000;

export interface HttpConfig extends ConnectionLimits, DocumentOptions {
  /** Most bytes of a file that a client sends. */
  readonly maxUploadBytes: number;
  readonly corsOrigins: readonly string[];
  readonly hasIntrospection: boolean;
  readonly hasGraphiql: boolean;
}

export interface SubscriptionConfig {
  readonly heartbeatMs: number;
  readonly maxSubscriptions: number;
  readonly maxSubscriptionsPerCaller: number;
  readonly drainDelayMs: number;
}

export interface ServerOptions {
  host: string;
  port: number;
  allowedHosts: readonly string[];
  http: HttpConfig;
  limits: Limits;
  /** Whether callers come with keys of the upstream's, which anybody can make up. */
  callersBringKeys: boolean;
  subscriptions: SubscriptionConfig;
  /** Most sockets to the upstream for one credential. */
  upstreamConnections: number;
  schema: GraphQLSchema;
  authenticate: Authenticate;
  createContext: ContextFactory;
  /** Filled into an example tab of GraphiQL. */
  exampleJobId: string;
  /** What the upstream signs its webhooks with; undefined when none are taken. */
  webhookSecret: string | undefined;
  /** Told that a job may have changed upstream. */
  onHint: (jobId: string) => void;
  log: Logger;
  clock: Clock;
  /** Most memory that whole answers may take, in bytes. */
  maxResponseCacheBytes: number;
}

export interface Server {
  /** Where GraphQL is, e.g. `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Connections that are open for subscriptions. */
  readonly streams: number;
  /** Groups of equal subscriptions. */
  readonly groups: number;
  /**
   * Says at once that it is not ready, and goes on for as long as is set; then takes no new connection, tells streams to
   * go, lets what is under way end, and cuts what takes ten seconds longer.
   */
  dispose(): Promise<void>;
}

/** Listens. Rejects with Node's error when the address cannot be taken. */
export async function createServer({
  host,
  port,
  limits,
  callersBringKeys,
  upstreamConnections,
  schema,
  subscriptions,
  exampleJobId,
  maxResponseCacheBytes,
  webhookSecret: secret,
  onHint,
  http: config,
  ...rest
}: ServerOptions): Promise<Server> {
  let isReady = true;
  const { clock, log, createContext } = rest;
  const streams = createStreamRegistry(clock, subscriptions.heartbeatMs);
  const subscriptionGroups = createSubscriptionGroups({
    schema,
    createContext,
    log,
    hideSuggestions: !config.hasIntrospection,
  });
  const shared = {
    engine: createEngine(schema, log, config.hasIntrospection),
    runOperation: createOperationRunner(
      subscriptionGroups,
      createConcurrencyQuota({
        noun: 'Subscriptions',
        max: subscriptions.maxSubscriptions,
        maxPerCaller: subscriptions.maxSubscriptionsPerCaller,
      }),
    ),
    createBudget: createCallerRateLimiter(limits, callersBringKeys),
    findDocument: createFindDocument(config, log),
    corsOrigins: config.corsOrigins,
    streams,
    ...rest,
  };
  const unhurried: NoTimeoutRequests = new WeakSet();
  const front = createRouter({
    readUpload: createReadUpload({ ...config, upstreamConnections, unhurried, schema, clock }),
    responseCache: createResponseCache(clock, maxResponseCacheBytes),
    graphiql: config.hasGraphiql ? createGraphiql(exampleJobId) : undefined,
    webhooks: secret === undefined ? undefined : createWebhooks({ secret, onHint, log, clock }),
    isReady: () => isReady,
    ...shared,
  });
  const sockets = createWebSockets({ schema, ...shared });
  const { server, closeIdle } = createConnections(front, unhurried, config, log, clock);
  useWebSockets(server, sockets, shared);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    url: urlOf(host, server.address() as AddressInfo), // A server that listens on TCP has such an address.
    get streams() {
      return streams.size;
    },
    get groups() {
      return subscriptionGroups.size;
    },
    async dispose() {
      isReady = false;
      if (subscriptions.drainDelayMs > 0)
        await new Promise<void>((resolve) => clock.after(subscriptions.drainDelayMs, resolve));
      const closed = new Promise((resolve) => server.close(resolve));
      closeIdle();
      const spreadMs = streams.drain();
      const cancelCut = clock.after(spreadMs + GRACE_MS, () => {
        server.closeAllConnections();
        sockets.terminateAll();
      });
      await closed;
      cancelCut();
    },
  };
}

// What a person on this machine can open: of an address that means all of them, the name that is always answered.
function urlOf(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}/graphql`;
}
