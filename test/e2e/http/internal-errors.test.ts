import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createIdempotentCreator } from '../../../src/commands/idempotency/create-once.ts';
import { readConfig } from '../../../src/config/config.ts';
import { createMemoryCache } from '../../../src/memory-cache.ts';
import { type ContextFactory, createContextFactory, type Identity } from '../../../src/request/context.ts';
import { stateOf } from '../../../src/schema/core/job-status.ts';
import { createSchema } from '../../../src/schema/schema.ts';
import { createServer } from '../../../src/server/server.ts';
import { createMemoryState } from '../../../src/state/memory/memory-state.ts';
import { createAccessFactory } from '../../../src/store/cache/scope.ts';
import { createStore } from '../../../src/store/store.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { createUpstream } from '../../../src/upstream/upstream.ts';
import { createWatcher } from '../../../src/watch/watcher.ts';
import { createTestClock } from '../../kit/clock.ts';
import { CONTEXT_OPTIONS } from '../../kit/gateway/context-options.ts';
import { NO_MUTATIONS } from '../../kit/mutation/policy.ts';
import { rethrow } from '../../kit/rethrow.ts';
import { until } from '../../kit/until.ts';

/** A server with this implementation of job reads, which can throw like a bug of the gateway. */
async function startServer(readJob: () => Promise<never>) {
  const log: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void log.push(JSON.parse(line)) };
  const clock = createTestClock();
  const upstream = createUpstream({
    baseUrl: new URL('http://127.0.0.1:9'),
    timeoutMs: 1,
    connections: 1,
    retries: 0,
    maxRps: 1000,
    clock,
  });
  const store = createStore({ upstream, clock, activeMs: 0, settledMs: 0, memoryCache: createMemoryCache(1) });
  const access = createAccessFactory()({ apiKey: 'test' });
  const identity: Identity = {
    viewer: { name: null, role: 'admin' },
    access,
    callerId: null,
    expiresAt: Number.POSITIVE_INFINITY,
    isValid: () => true,
    current: () => identity,
  };
  const watcher = createWatcher({ store, clock, stateOf, pollIntervalMs: 1000, onListenerError: rethrow });
  const createBaseContext = createContextFactory({
    clock,
    upstream,
    store,
    watcher,
    creator: createIdempotentCreator({ upstream, store, clock, ledger: createMemoryState(clock).ledger, timeoutMs: 1 }),
    mutations: NO_MUTATIONS,
    ...CONTEXT_OPTIONS,
  });
  const createContext: ContextFactory = (request) => {
    const context = createBaseContext(request);
    Object.assign(context.loaders, { job: readJob, jobs: readJob });
    return context;
  };
  const server = await createServer({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['127.0.0.1'],
    trustedProxies: [],
    http: readConfig({}).http,
    limits: readConfig({}).limits,
    isPassthrough: false,
    subscriptions: readConfig({}).subscriptions,
    state: createMemoryState(clock),
    shutdown: readConfig({}).shutdown,
    upstreamConnections: 64,
    schema: createSchema(),
    authenticate: () => identity,
    createContext,
    generationOf: store.jobs.invalidation.responseGeneration,
    examples: { jobId: 'ftjob-1', fileId: 'file-1' },
    log: createLogger({ level: 'debug', secrets: [], destination }),
    clock,
    webhookSecret: undefined,
    findProblem: async () => null,
    onHint: () => {},
    memoryCache: createMemoryCache(1),
  });
  const send = (query: string) =>
    fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
  return { server, clock, log, send };
}

describe('an internal error', () => {
  it('is INTERNAL for the client, and logged completely with the same request id', async () => {
    const { server, log, send } = await startServer(async () => {
      throw new TypeError('cannot read /etc/gateway/secret.ts of undefined');
    });
    const response = await send('{ fineTuningJob(id: "ftjob-1") { id } gateway { version } }');
    const requestId = response.headers.get('x-request-id');
    expect(await response.json()).toEqual({
      data: { fineTuningJob: null, gateway: { version: '0' } },
      errors: [
        {
          message: 'Internal error of the gateway. Report the requestId to its operator.',
          locations: [{ line: 1, column: 3 }],
          path: ['fineTuningJob'],
          extensions: { code: 'INTERNAL', requestId },
        },
      ],
    });
    expect(log).toContainEqual(
      expect.objectContaining({
        msg: 'internal error',
        requestId,
        path: 'fineTuningJob',
        err: expect.objectContaining({ type: 'TypeError', message: expect.stringContaining('secret.ts') }),
      }),
    );
    await server.dispose();
  });

  it('is logged once per cause, with the number of failed fields', async () => {
    const { server, log, send } = await startServer(async () => {
      throw new TypeError('again');
    });
    await send('{ a: fineTuningJob(id: "1") { id } b: fineTuningJob(id: "2") { id } c: node(id: "3") { id } }');
    expect(log.filter(({ msg }) => msg === 'internal error')).toEqual([
      expect.objectContaining({ path: 'a', fields: 3 }),
    ]);
    await server.dispose();
  });
});

describe('a server that shuts down', () => {
  it('does not wait for connections without a request', async () => {
    const { server } = await startServer(() => new Promise(() => {}));
    const { hostname, port } = new URL(server.url);
    const idle = connect(Number(port), hostname);
    const incomplete = connect(Number(port), hostname);
    for (const socket of [idle, incomplete]) {
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
    }
    await new Promise((resolve) => incomplete.write('POST /graphql HTTP/1.1\r\nHost:', resolve));
    await fetch(new URL('/health', server.url)); // Then both connections have been accepted.
    await server.dispose(); // The test clock is stopped: only the end of all connections resolves this.
  });

  it('closes the remaining connections after the default of SHUTDOWN_TIMEOUT_MS', async () => {
    const reading = Promise.withResolvers<void>();
    const { server, clock, send } = await startServer(() => {
      reading.resolve();
      return new Promise(() => {});
    });
    const pending = send('{ fineTuningJob(id: "ftjob-1") { id } }');
    await reading.promise;
    const { timers } = clock;
    const stopped = server.dispose();
    await until(() => clock.timers > timers);
    clock.advance(59_999);
    const outcome = Promise.race([
      pending.then(String, () => 'closed'),
      new Promise((resolve) => setImmediate(resolve, 'open')),
    ]);
    expect(await outcome).toBe('open');
    clock.advance(1);
    await expect(pending).rejects.toThrow();
    await stopped;
  });

  it('sends `Connection: close` on an open connection', async () => {
    const read = Promise.withResolvers<never>();
    const reading = Promise.withResolvers<void>();
    const { server } = await startServer(() => {
      reading.resolve();
      return read.promise;
    });
    const { hostname, port } = new URL(server.url);
    const body = '{"query":"{ fineTuningJob(id: \\"1\\") { id } }"}';
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
    });
    const head = `Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    socket.write(`POST /graphql HTTP/1.1\r\n${head}${body}GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await reading.promise;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const stopped = server.dispose();
    read.reject(new Error('ended'));
    await stopped;
    await closed;
    expect(received).toContain('Connection: close');
  });
});
