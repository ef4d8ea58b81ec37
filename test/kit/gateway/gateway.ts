import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { request } from 'undici';
import { createApp, type GatewayLoad } from '../../../src/app.ts';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { readConfig, secretsOf } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createCounter } from '../counter.ts';
import { assertNoSecrets, watchAnswers } from '../secrets.ts';

/** What a GraphQL server answers. */
export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

/**
 * A whole gateway in this process, on a port of its own, as `npm start` makes it. At its end it fails when its secrets
 * stand in any log line or in any bytes that it has sent to a client, or what clients have shown as theirs does.
 */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  /** Every log line so far, parsed. */
  readonly log: Record<string, unknown>[];
  /** Bytes that its store holds now. */
  cachedBytes(): number;
  /** What it holds now. */
  held(): GatewayLoad;
  /** Resolves when `count` requests have come in and what they ask has begun. */
  received(count: number): Promise<void>;
  /** Asks by POST and gives the answer, whatever its errors. */
  query(query: string, variables?: Record<string, unknown>, signal?: AbortSignal): Promise<Answer>;
}

/** Each call once and at once: what is tried again, or has to wait, is for tests of that. */
const PLAIN = { UPSTREAM_RETRIES: '0', UPSTREAM_MAX_RPS: '100000' };

/** `settings` are the environment: `{ OPENAI_BASE_URL: upstream.baseUrl }`. A key is made up where one is needed. */
export async function startGateway(
  settings: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<TestGateway> {
  const needsKey = settings['OPENAI_BASE_URL'] !== undefined && settings['AUTH'] !== 'passthrough';
  const key = needsKey ? { OPENAI_API_KEY: `test-${crypto.randomUUID()}` } : {};
  const config = readConfig({ PORT: '0', LOG_LEVEL: 'debug', ...PLAIN, ...key, ...settings });
  const log: Record<string, unknown>[] = [];
  const said: string[] = [];
  const write = (line: string) => {
    said.push(line);
    log.push(JSON.parse(line));
  };
  const secrets = [...secretsOf(config)];
  const app = await createApp(config, createLogger({ level: config.logLevel, secrets, destination: { write } }), clock);
  const arrivals = createCounter();
  const port = Number(new URL(app.url).port);
  const onRequest = (message: unknown) => {
    const { request, socket } = message as { request: IncomingMessage; socket: Socket }; // Node's documented form.
    if (request.url?.startsWith('/graphql')) arrivals.count();
    if (socket.localPort !== port) return; // Another server of this process.
    const shown = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (shown !== undefined && !secrets.includes(shown)) secrets.push(shown);
    watchAnswers(socket, (text) => {
      if (secrets.some((secret) => text.includes(secret))) said.push(text);
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
    return (await body.json()) as Answer; // The form of every GraphQL answer.
  };
  return {
    url: app.url,
    log,
    cachedBytes: () => app.load().cachedBytes,
    held: app.load,
    query,
    async received(count) {
      await arrivals.reached(count);
      await query('{ __typename }'); // Takes its turn behind them.
    },
    async [Symbol.asyncDispose]() {
      unsubscribe('http.server.request.start', onRequest);
      await app.dispose();
      assertNoSecrets(secrets, said);
    },
  };
}
