import packageJson from '../package.json' with { type: 'json' };
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createContextFactory, type GatewayFacts } from './context.ts';
import { createSandbox } from './sandbox/sandbox.ts';
import { createSchema } from './schema/schema.ts';
import type { Logger } from './server/log.ts';
import { createServer } from './server/server.ts';
import { createAccessFactory } from './store/scope.ts';
import { createStore } from './store/store.ts';
import type { TargetConfig } from './target.ts';
import type { Credential, KeyHeader } from './upstream/http.ts';
import { createUpstream } from './upstream/upstream.ts';

export const { version } = packageJson;

/** A gateway that answers. */
export interface App {
  /** Where GraphQL is. */
  readonly url: string;
  readonly gateway: GatewayFacts;
  /** Lets requests under way end, then closes everything in the reverse order of its opening. */
  dispose(): Promise<void>;
}

/** Puts the parts together and listens. Rejects with Node's error when an address cannot be taken. */
export async function createApp(config: Config, log: Logger, clock: Clock): Promise<App> {
  await using opened = new AsyncDisposableStack();
  const target = await openTarget(config.upstream, log, clock, opened);
  const upstream = createUpstream({
    baseUrl: target.baseUrl,
    keyHeader: target.keyHeader,
    timeoutMs: config.upstreamTimeoutMs,
    connections: config.upstreamConnections,
    clock,
  });
  opened.defer(() => upstream.dispose());
  const store = createStore({ upstream, clock, ...config.cache });
  const gateway = { version, isSandbox: config.upstream.kind === 'sandbox', upstreamName: target.name };
  const server = await createServer({
    host: config.host,
    port: config.port,
    allowedHosts: config.allowedHosts,
    limits: config.limits,
    schema: createSchema(),
    createContext: createContextFactory(store, createAccessFactory()(target.credential), gateway),
    exampleJobId: target.exampleJobId,
    log,
    clock,
  });
  opened.defer(() => server.dispose());
  const parts = opened.move();
  return { url: server.url, gateway, dispose: () => parts.disposeAsync() };
}

/** Whom the gateway asks. */
interface Target {
  readonly name: string;
  readonly baseUrl: URL;
  readonly keyHeader: KeyHeader;
  readonly credential: Credential;
  readonly exampleJobId: string;
}

async function openTarget(
  config: TargetConfig,
  log: Logger,
  clock: Clock,
  opened: AsyncDisposableStack,
): Promise<Target> {
  if (config.kind !== 'sandbox') {
    const { hostname } = config.baseUrl;
    const name = hostname === 'api.openai.com' ? 'OpenAI' : hostname;
    const keyHeader = config.kind === 'azure' ? 'api-key' : 'authorization';
    return { ...config, name, keyHeader, exampleJobId: 'ftjob-…' };
  }
  const apiKey = crypto.randomUUID();
  const sandbox = await createSandbox({
    ...config,
    clock,
    ...(config.port === 0 && { apiKey }), // Whoever chose a port wants to call it too: with any key.
    onError: (err) => log.error({ err }, 'sandbox error'),
  });
  opened.defer(() => sandbox.dispose());
  const { baseUrl, exampleJobId } = sandbox;
  const asked = { name: 'sandbox', baseUrl, credential: { apiKey }, exampleJobId };
  if (config.flavour === 'openai') return { ...asked, keyHeader: 'authorization' };
  baseUrl.searchParams.set('api-version', AZURE_API_VERSION);
  return { ...asked, keyHeader: 'api-key' };
}

const AZURE_API_VERSION = '2024-10-21';
