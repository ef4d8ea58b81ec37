import type { GraphQLSchema } from 'graphql';
import { openAuditTrail } from './audit-trail.ts';
import type { Clock } from './clock.ts';
import type { AuditTrail } from './commands/audit-record.ts';
import { createDailyQuotas } from './commands/daily-quota.ts';
import { createIdempotentCreator } from './commands/idempotency/create-once.ts';
import type { MutationPolicy } from './commands/mutation-policy.ts';
import type { Config } from './config/config.ts';
import { createLiveSecrets } from './live-secrets.ts';
import { createMemoryCache } from './memory-cache.ts';
import { openMonitoring } from './monitoring.ts';
import { createNetwork, type Network } from './network/network.ts';
import { deriveScopeSecret, openState } from './open-state.ts';
import { createContextFactory, type GatewayFacts } from './request/context.ts';
import { stateOf } from './schema/core/job-status.ts';
import { createSchema } from './schema/schema.ts';
import type { SecretWatch } from './secret-watch.ts';
import { createAuthenticate } from './server/auth/authenticate.ts';
import type { JwtVerifier } from './server/auth/jwt-verifier.ts';
import { createServer, type Server } from './server/server.ts';
import type { DailyCounts } from './state/daily-counts.ts';
import { applyChanges, shareChanges } from './store/shared-changes.ts';
import { createStore } from './store/store.ts';
import { logEvents } from './telemetry/event-log.ts';
import type { GatewayLog } from './telemetry/logger.ts';
import type { ObservedLoad } from './telemetry/metrics/gauges.ts';
import type { Credential } from './upstream/credentials/credential.ts';
import { createKeyCheck } from './upstream/credentials/key-check.ts';
import { createUpstream, type Upstream } from './upstream/upstream.ts';
import { openTarget } from './upstream-target.ts';
import { version } from './version.ts';
import { createWatcher } from './watch/watcher.ts';

/** Current load of a gateway. */
export interface GatewayLoad extends ObservedLoad {
  /** Open subscription streams. */
  readonly streams: number;
}

/** A running gateway. */
export interface App {
  /** URL of the GraphQL endpoint. */
  readonly url: string;
  readonly gateway: GatewayFacts;
  readonly load: () => GatewayLoad;
  /** The URL of the metrics; undefined without METRICS_PORT. */
  readonly metricsUrl: string | undefined;
  /** Whether the endpoint serves GraphiQL to browsers. */
  readonly hasGraphiql: boolean;
  /** Whether `/` is the dashboard. */
  readonly hasDashboard: boolean;
  /** One line about a problem that does not prevent the start; undefined without one. */
  readonly warning: string | undefined;
  /** Reads the files of secrets now, and uses those that changed. Opens the file of audit records again. */
  reloadFiles(): void;
  /** Drains the open requests, then closes everything in the reverse order of its opening. */
  dispose(): Promise<void>;
}

/** Creates all parts of the gateway and listens. Rejects with Node's error when the address cannot be used. */
export async function createApp(config: Config, log: GatewayLog, clock: Clock): Promise<App> {
  await using opened = new AsyncDisposableStack();
  opened.defer(logEvents(log, clock));
  const target = await openTarget(config, log, clock, opened);
  const network = await createNetwork(config.proxies, clock);
  opened.defer(() => network.dispose());
  const scopeSecret = config.fleet && deriveScopeSecret(config.fleet.secret ?? target.credential.apiKey, target.name);
  const state = await openState(config.fleet && scopeSecret && { ...config.fleet, scopeSecret }, clock);
  opened.defer(() => state.dispose());
  const memoryCache = createMemoryCache(config.cache.maxBytes);
  const secrets = createLiveSecrets(config, target, network, state, log, clock);
  const isPassthrough = config.auth.kind === 'passthrough';
  const keyCheck = createKeyCheck({
    clock,
    tryKey: (credential) => tryKey(upstream, credential),
    onChange: (isRefused) => (isRefused ? log.error(KEY_REFUSED) : log.info('the upstream accepts the API key')),
  });
  const upstream: Upstream = createUpstream({
    memoryCache,
    baseUrl: target.baseUrl,
    keyHeader: target.keyHeader,
    hyperparameters: target.hyperparameters,
    ...config.upstreamCalls,
    isPassthrough,
    network,
    budget: state.budget,
    onStatus: keyCheck.record,
    clock,
  });
  opened.defer(() => upstream.dispose());
  const ownStore = createStore({ upstream, clock, ...config.cache, memoryCache });
  const store = shareChanges(ownStore, state.invalidations);
  const watcher = createWatcher({
    store,
    clock,
    stateOf,
    pollIntervalMs: config.pollIntervalMs,
    watchState: state.watch,
    onListenerError: (err) => log.error({ err }, 'internal error of a subscription'),
  });
  opened.defer(() => watcher.dispose());
  opened.defer(state.invalidations.follow(applyChanges(ownStore)));
  const jwt = await openJwtVerifier(config.auth, network, log, clock, opened);
  const creator = createIdempotentCreator({
    upstream,
    store,
    clock,
    ledger: state.ledger,
    timeoutMs: config.upstreamCalls.timeoutMs,
  });
  const audit = openAuditTrail(config.auditFile, log, clock);
  opened.defer(() => audit.dispose());
  const mutations = createMutationPolicy(config.mutations, audit, state.dailyCounts);
  const isSandbox = config.upstream.kind === 'sandbox';
  const gateway = {
    version,
    isSandbox,
    upstreamName: target.name,
    limits: target.limits,
    hyperparameters: target.hyperparameters,
    prices: config.priceList,
  };
  let secretWatch: SecretWatch | undefined;
  opened.defer(() => secretWatch?.dispose());
  const load = (): GatewayLoad => ({
    cachedBytes: memoryCache.bytes,
    streams: server?.streams ?? 0,
    groups: server?.groups ?? 0,
    watched: watcher.size,
    fleet: config.fleet && { isAvailable: state.isAvailable, replicas: state.replicas },
  });
  let server: Server | undefined; // Events are recorded from its first connection on.
  const findProblem = async () => {
    if (server?.isReady !== true) return 'stopping';
    const problem = state.findProblem();
    if (problem !== null) return problem;
    const isRefused = !isPassthrough && (await keyCheck.isRefused(secrets.credentials.current));
    return isRefused ? KEY_REFUSED : null;
  };
  const monitoring = await openMonitoring({
    config,
    network,
    exportHeaders: secrets.exportHeaders,
    loadOf: load,
    findProblem,
    log,
    clock,
  });
  opened.defer(monitoring.dispose);
  server = await createServer({
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    trustedProxies: config.trustedProxies,
    http: config.http,
    limits: config.limits,
    isPassthrough,
    subscriptions: config.subscriptions,
    state,
    shutdown: config.shutdown,
    upstreamConnections: config.upstreamCalls.connections,
    schema: sharedSchema(),
    authenticate: createAuthenticate({
      auth: config.auth,
      jwt,
      credentials: secrets.credentials,
      scopeSecret,
      clock,
      log,
    }),
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
    webhookSecret: secrets.webhookSecret,
    findProblem,
    onHint: watcher.hint,
    log,
    clock,
    memoryCache,
  });
  const { url, replaceStreams } = server;
  opened.defer(() => server.dispose());
  secretWatch = secrets.watch(isPassthrough ? () => {} : replaceStreams); // Callers with keys of their own keep theirs.
  target.sendWebhooks?.(new URL('/webhooks/openai', url));
  const parts = opened.move();
  const { warning } = target;
  const { hasGraphiql, hasDashboard } = config.http;
  return {
    url,
    metricsUrl: monitoring.metricsUrl,
    gateway,
    hasGraphiql,
    hasDashboard,
    load,
    warning,
    reloadFiles() {
      secretWatch?.reload();
      audit.reopen();
    },
    dispose: () => parts.disposeAsync(),
  };
}

const KEY_REFUSED = 'the upstream refuses the API key (HTTP 401)';

const tryKey = (upstream: Upstream, credential: Credential) =>
  upstream.jobs.list({ limit: 1, after: null }, { credential, signal: new AbortController().signal });

/** Loads the code for JWTs only where they are accepted. */
async function openJwtVerifier(
  auth: Config['auth'],
  network: Network,
  log: GatewayLog,
  clock: Clock,
  opened: AsyncDisposableStack,
): Promise<JwtVerifier | undefined> {
  if (auth.kind !== 'tokens' || auth.jwt === undefined) return undefined;
  const { createJwtVerifier } = await import('./server/auth/jwt-verifier.ts');
  const verifier = createJwtVerifier(auth.jwt, network, clock, log);
  opened.defer(() => verifier.dispose());
  return verifier;
}

let schema: GraphQLSchema | undefined;

/** The schema is immutable, so all gateways of a process share one. */
function sharedSchema(): GraphQLSchema {
  schema ??= createSchema();
  return schema;
}

function createMutationPolicy(
  { isAllowed, maxPerDay }: Config['mutations'],
  audit: AuditTrail,
  counts: DailyCounts,
): MutationPolicy {
  return { isAllowed, quotaOf: createDailyQuotas(counts, maxPerDay), audit };
}
