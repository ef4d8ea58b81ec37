import packageJson from '../package.json' with { type: 'json' };
import type { Clock } from './clock.ts';
import { createDailyQuotas } from './commands/daily-quota.ts';
import { createIdempotentCreator } from './commands/idempotency/create-once.ts';
import type { MutationPolicy } from './commands/mutation-policy.ts';
import type { Config } from './config/config.ts';
import { createContextFactory, type GatewayFacts } from './request/context.ts';
import { stateOf } from './schema/core/job-status.ts';
import { createSchema } from './schema/schema.ts';
import { createAuthenticate } from './server/auth/authenticate.ts';
import { createServer } from './server/server.ts';
import { createStore } from './store/store.ts';
import type { Logger } from './telemetry/logger.ts';
import { createUpstream } from './upstream/upstream.ts';
import { openTarget } from './upstream-target.ts';
import { createWatcher } from './watch/watcher.ts';

export const { version } = packageJson;

/** What a gateway holds now. */
export interface GatewayLoad {
  /** Bytes that everything kept takes, but for whole answers. */
  readonly cachedBytes: number;
  /** Connections that are open for subscriptions. */
  readonly streams: number;
  /** Groups of equal subscriptions. */
  readonly groups: number;
  /** Jobs and logs that are looked at because somebody follows them. */
  readonly watched: number;
}

/** A gateway that answers. */
export interface App {
  /** Where GraphQL is. */
  readonly url: string;
  readonly gateway: GatewayFacts;
  readonly load: () => GatewayLoad;
  /** Whether a browser gets GraphiQL there. */
  readonly hasGraphiql: boolean;
  /** Lets requests under way end, then closes everything in the reverse order of its opening. */
  dispose(): Promise<void>;
}

/** How much of what may be kept is whole answers; the rest is what they are made of. */
const SHARE_OF_ANSWERS = 1 / 8;

/** Puts the parts together and listens. Rejects with Node's error when an address cannot be taken. */
export async function createApp(config: Config, log: Logger, clock: Clock): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const target = await openTarget(config, log, clock, opened);
  const upstream = createUpstream({
    baseUrl: target.baseUrl,
    keyHeader: target.keyHeader,
    timeoutMs: config.upstreamTimeoutMs,
    connections: config.upstreamConnections,
    retries: config.upstreamRetries,
    maxRps: config.upstreamMaxRps,
    clock,
  });
  opened.defer(() => upstream.dispose());
  const maxResponseCacheBytes = Math.floor(config.cache.maxBytes * SHARE_OF_ANSWERS);
  const maxBytes = config.cache.maxBytes - maxResponseCacheBytes;
  const store = createStore({ upstream, clock, ...config.cache, maxBytes });
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: config.pollIntervalMs });
  opened.defer(() => watcher.dispose());
  const creator = createIdempotentCreator({ upstream, store, clock });
  const mutations = mutationPolicy(config.mutations, log, clock);
  const isSandbox = config.upstream.kind === 'sandbox';
  const gateway = { version, isSandbox, upstreamName: target.name, limits: target.limits };
  const server = await createServer({
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    http: config.http,
    limits: config.limits,
    callersBringKeys: config.auth.kind === 'passthrough',
    subscriptions: config.subscriptions,
    upstreamConnections: config.upstreamConnections,
    schema: createSchema(),
    authenticate: createAuthenticate({ auth: config.auth, credential: target.credential, clock, log }),
    createContext: createContextFactory({ upstream, store, watcher, creator, mutations, gateway }),
    examples: { jobId: target.exampleJobId, fileId: target.exampleFileId },
    webhookSecret: target.webhookSecret,
    onHint: watcher.hint,
    log,
    clock,
    maxResponseCacheBytes,
  });
  opened.defer(() => server.dispose());
  target.sendWebhooks?.(new URL('/webhooks/openai', server.url));
  const parts = opened.move();
  const { hasGraphiql } = config.http;
  const load = () => ({
    cachedBytes: store.bytes,
    streams: server.streams,
    groups: server.groups,
    watched: watcher.size,
  });
  return { url: server.url, gateway, hasGraphiql, load, dispose: () => parts.disposeAsync() };
}

function mutationPolicy({ isAllowed, maxPerDay }: Config['mutations'], log: Logger, clock: Clock): MutationPolicy {
  return {
    isAllowed,
    quotaOf: createDailyQuotas(clock, maxPerDay),
    audit: (line) => log.info(line, 'mutation'),
  };
}
