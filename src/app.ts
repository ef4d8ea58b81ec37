import type { GraphQLSchema } from 'graphql';
import type { Clock } from './clock.ts';
import { createDailyQuotas } from './commands/daily-quota.ts';
import { createIdempotentCreator } from './commands/idempotency/create-once.ts';
import type { MutationPolicy } from './commands/mutation-policy.ts';
import type { Config } from './config/config.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createNetwork } from './network/network.ts';
import { createContextFactory, type GatewayFacts } from './request/context.ts';
import { stateOf } from './schema/core/job-status.ts';
import { createSchema } from './schema/schema.ts';
import { createAuthenticate } from './server/auth/authenticate.ts';
import { createServer } from './server/server.ts';
import { createStore } from './store/store.ts';
import type { Logger } from './telemetry/logger.ts';
import { createUpstream } from './upstream/upstream.ts';
import { openTarget } from './upstream-target.ts';
import { version } from './version.ts';
import { createWatcher } from './watch/watcher.ts';

/** Current load of a gateway. */
export interface GatewayLoad {
  /** Estimated size of all cached values: resources, responses and parsed documents. */
  readonly cachedBytes: number;
  /** Open subscription streams. */
  readonly streams: number;
  /** Subscription groups: equal subscriptions share one. */
  readonly groups: number;
  /** Jobs and event logs that are polled for subscribers. */
  readonly watched: number;
}

/** A running gateway. */
export interface App {
  /** URL of the GraphQL endpoint. */
  readonly url: string;
  readonly gateway: GatewayFacts;
  readonly load: () => GatewayLoad;
  /** Whether the endpoint serves GraphiQL to browsers. */
  readonly hasGraphiql: boolean;
  /** One line about a problem that does not prevent the start; undefined without one. */
  readonly warning: string | undefined;
  /** Drains the open requests, then closes everything in the reverse order of its opening. */
  dispose(): Promise<void>;
}

/** Creates all parts of the gateway and listens. Rejects with Node's error when the address cannot be used. */
export async function createApp(config: Config, log: Logger, clock: Clock): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const target = await openTarget(config, log, clock, opened);
  const network = await createNetwork(config.proxies, clock);
  opened.defer(() => network.dispose());
  const memoryCache = createMemoryCache(config.cache.maxBytes);
  const upstream = createUpstream({
    memoryCache,
    baseUrl: target.baseUrl,
    keyHeader: target.keyHeader,
    hyperparameters: target.hyperparameters,
    ...config.upstreamCalls,
    isPassthrough: config.auth.kind === 'passthrough',
    network,
    clock,
  });
  opened.defer(() => upstream.dispose());
  const store = createStore({ upstream, clock, ...config.cache, memoryCache });
  const watcher = createWatcher({
    store,
    clock,
    stateOf,
    pollIntervalMs: config.pollIntervalMs,
    onListenerError: (err) => log.error({ err }, 'internal error of a subscription'),
  });
  opened.defer(() => watcher.dispose());
  const creator = createIdempotentCreator({ upstream, store, clock });
  const mutations = createMutationPolicy(config.mutations, log, clock);
  const isSandbox = config.upstream.kind === 'sandbox';
  const gateway = {
    version,
    isSandbox,
    upstreamName: target.name,
    limits: target.limits,
    hyperparameters: target.hyperparameters,
    prices: config.priceList,
  };
  const server = await createServer({
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    trustedProxies: config.trustedProxies,
    http: config.http,
    limits: config.limits,
    isPassthrough: config.auth.kind === 'passthrough',
    subscriptions: config.subscriptions,
    shutdown: config.shutdown,
    upstreamConnections: config.upstreamCalls.connections,
    schema: sharedSchema(),
    authenticate: createAuthenticate({ auth: config.auth, credential: target.credential, clock, log }),
    createContext: createContextFactory({
      upstream,
      store,
      watcher,
      creator,
      mutations,
      gateway,
      clock,
      maxResponseBytes: config.limits.responseBytes,
    }),
    generationOf: store.jobs.invalidation.responseGeneration,
    examples: { jobId: target.exampleJobId, fileId: target.exampleFileId },
    webhookSecret: target.webhookSecret,
    onHint: watcher.hint,
    log,
    clock,
    memoryCache,
  });
  opened.defer(() => server.dispose());
  target.sendWebhooks?.(new URL('/webhooks/openai', server.url));
  const parts = opened.move();
  const { warning } = target;
  const { hasGraphiql } = config.http;
  const load = () => ({
    cachedBytes: memoryCache.bytes,
    streams: server.streams,
    groups: server.groups,
    watched: watcher.size,
  });
  return { url: server.url, gateway, hasGraphiql, load, warning, dispose: () => parts.disposeAsync() };
}

let schema: GraphQLSchema | undefined;

/** The schema is immutable, so all gateways of a process share one. */
function sharedSchema(): GraphQLSchema {
  schema ??= createSchema();
  return schema;
}

function createMutationPolicy(
  { isAllowed, maxPerDay }: Config['mutations'],
  log: Logger,
  clock: Clock,
): MutationPolicy {
  return {
    isAllowed,
    quotaOf: createDailyQuotas(clock, maxPerDay),
    audit: (line) => log.info(line, 'mutation'),
  };
}
