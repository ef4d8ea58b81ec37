import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { request } from 'undici';
import { createApp, type GatewayLoad } from '../../../src/app.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createCounter } from '../counter.ts';
import { assertNoSecrets, watchResponses } from '../secrets.ts';

/** The body of a GraphQL response. */
export interface GraphqlResponse {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/**
 * A whole gateway in this process, on a port of its own, as `npm start` runs it. Its disposal throws when a secret of its
 * settings or a bearer token of a client is in a log line, or in bytes that it has sent to a client.
 */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  /** Of `/metrics`; undefined without METRICS_PORT. */
  readonly metricsUrl: string | undefined;
  /** All log lines so far, parsed. */
  readonly log: Record<string, unknown>[];
  /** Current size of its cache. */
  cachedBytes(): number;
  /** Current load. */
  load(): GatewayLoad;
  /** Reads the files of secrets and opens the audit file again, as SIGHUP does. */
  reloadFiles(): void;
  /** Resolves when `count` requests have arrived and their operations have started. */
  received(count: number): Promise<void>;
  /** Sends a query by POST. Resolves to the response, with or without errors. */
  query(query: string, variables?: Record<string, unknown>, signal?: AbortSignal): Promise<GraphqlResponse>;
}

/** No retries and no rate limit: their own tests turn them on. */
const PLAIN = { UPSTREAM_RETRIES: '0', UPSTREAM_MAX_RPS: '100000' };

/** `settings` are the environment: `{ OPENAI_BASE_URL: upstream.baseUrl }`. Where a key is required, it is random. */
export async function startGateway(
  settings: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<TestGateway> {
  const needsKey = settings['OPENAI_BASE_URL'] !== undefined && settings['AUTH'] !== 'passthrough';
  const key = needsKey ? { OPENAI_API_KEY: `test-${crypto.randomUUID()}` } : {};
  const config = readConfig({ PORT: '0', LOG_LEVEL: 'debug', ...PLAIN, ...key, ...settings });
  const log: Record<string, unknown>[] = [];
  const output: string[] = [];
  const write = (line: string) => {
    output.push(line);
    log.push(JSON.parse(line));
  };
  const secrets = [...secretsOf(config)];
  const app = await createApp(config, createLogger({ level: config.logLevel, secrets, destination: { write } }), clock);
  const arrivals = createCounter();
  const port = Number(new URL(app.url).port);
  const onRequest = (message: unknown) => {
    const { request, socket } = message as { request: IncomingMessage; socket: Socket }; // As Node documents it.
    if (request.url?.startsWith('/graphql')) arrivals.count();
    if (socket.localPort !== port) return; // Another server of this process.
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && !secrets.includes(token)) secrets.push(token);
    watchResponses(socket, (text) => {
      if (secrets.some((secret) => text.includes(secret))) output.push(text);
    });
  };
  subscribe('http.server.request.start', onRequest);
  const query: TestGateway['query'] = async (query, variables, signal) => {
    // Several thousand queries: `request` takes a third of the time of `fetch`.
    const { body } = await request(app.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal: signal ?? null,
    });
    return (await body.json()) as GraphqlResponse; // The shape of every GraphQL response.
  };
  return {
    url: app.url,
    metricsUrl: app.metricsUrl,
    log,
    cachedBytes: () => app.load().cachedBytes,
    load: app.load,
    reloadFiles: app.reloadFiles,
    query,
    async received(count) {
      await arrivals.reached(count);
      await query('{ __typename }'); // Is processed after them.
    },
    async [Symbol.asyncDispose]() {
      unsubscribe('http.server.request.start', onRequest);
      await app.dispose();
      assertNoSecrets(secrets, output);
    },
  };
}
