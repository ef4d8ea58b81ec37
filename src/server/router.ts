import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { type Identity, loggedContextOf } from '../request/context.ts';
import { internalError } from '../schema/core/errors.ts';
import { Cancellation } from '../store/cache/cancellation.ts';
import type { Logger } from '../telemetry/logger.ts';
import { traceIds } from '../telemetry/trace-context.ts';
import type { Caller, Claimant } from '../upstream/resilience/call-claims.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { ASSETS, type Dashboard } from './dashboard/dashboard.ts';
import type { Downloads } from './downloads/download.ts';
import { type DownloadReply, sendDownload } from './downloads/download-reply.ts';
import { findDownload } from './downloads/route.ts';
import type { Compress } from './http/compression.ts';
import type { HoldConnection } from './http/connection-registry.ts';
import { prefersHtml } from './http/content-negotiation.ts';
import { preflight, withCors } from './http/cors.ts';
import { HttpError } from './http/http-error.ts';
import type { Remote, RemoteOf } from './http/remote.ts';
import { errorReply, type GatewayResponse, jsonReply, type Reply, send } from './http/reply.ts';
import { bodyIncomplete } from './http/request-body.ts';
import { guardCrossSiteGet, guardRequest, type HostPolicy, isHealthProbe } from './http/request-guard.ts';
import { requestIdOf } from './http/request-id.ts';
import { isRead, requireRead } from './http/request-method.ts';
import { type RequestTarget, readTarget, unknownPath } from './http/request-target.ts';
import type { Webhooks } from './http/webhook-endpoint.ts';
import { type CallerBudget, type CreateCallerBudget, callerOf } from './limits/caller-rate-limiter.ts';
import { type LoggedExchange, requestLogLine } from './request-log.ts';
import { endRequestSpan, type RequestTrace, reportRequest, startTrace } from './request-trace.ts';
import { type GraphqlOptions, handleGraphql } from './transports/graphql-over-http.ts';
import { openStream, type StreamReply } from './transports/http-stream.ts';
import { reportOperation } from './transports/operation-events.ts';
import type { StreamRegistry } from './transports/stream-registry.ts';

export interface RouterOptions extends HostPolicy, GraphqlOptions {
  corsOrigins: readonly string[];
  createBudget: CreateCallerBudget;
  authenticate: Authenticate;
  streams: StreamRegistry;
  holdConnection: HoldConnection;
  compress: Compress;
  remoteOf: RemoteOf;
  downloads: Downloads;
  /** Maximum time that a client reads nothing of a download, in milliseconds. */
  idleTimeoutMs: number;
  /** Serves the GraphiQL page; undefined when it is off. */
  graphiql: ((headers: IncomingHttpHeaders) => Promise<Reply>) | undefined;
  /** Serves the dashboard; undefined when it is off. */
  dashboard: Dashboard | undefined;
  /** Receives the upstream's webhooks; undefined when they are off. */
  webhooks: Webhooks | undefined;
  /** Whether the server accepts new traffic; false while it shuts down. */
  isReady: () => boolean;
  /** Returns why the gateway cannot serve traffic though it runs; null if it can. */
  findProblem: () => Promise<string | null>;
  log: Logger;
  clock: Clock;
}

export type RequestHandler = (request: IncomingMessage, response: GatewayResponse) => Promise<void>;

/** One request and its response. */
interface Exchange extends RequestTarget, LoggedExchange {
  readonly path: string;
  readonly startedAt: number;
  /** Aborted when the client disconnects; null once a stream is open, which handles the disconnect itself. */
  client: Cancellation | null;
  /** Ends the protection of the caller's connection; null before it is authenticated. */
  releaseConnection: (() => void) | null;
  /** Null without traces. */
  readonly trace: RequestTrace | null;
}

type AnyReply = Reply | StreamReply | DownloadReply;

/** Creates the handler of all requests: guards, CORS, routes, errors and the access log. */
export function createRouter(options: RouterOptions): RequestHandler {
  const { compress, corsOrigins, remoteOf, isReady, streams, downloads, idleTimeoutMs, log, clock } = options;
  return async (request, response) => {
    const client = new Cancellation();
    const exchange = openExchange(request, response, remoteOf(request), client, clock.now());
    response.on('close', () => endExchange(exchange));
    const whole = await respond(exchange, client);
    const encoded = client.isAborted ? whole : compress(request.headers['accept-encoding'], whole);
    const reply = withCors(encoded instanceof Promise ? await encoded : encoded, request, corsOrigins);
    exchange.errorCodes = reply.errorCodes;
    if (!isReady()) response.shouldKeepAlive = false; // A kept-alive connection would outlive the server.
    if ('subscriber' in reply) startStream(exchange, reply);
    else if ('chunks' in reply) await runDownload(exchange, reply, client);
    else if (!client.isAborted && !response.headersSent) send(response, reply);
  };

  function endExchange(exchange: Exchange) {
    const { client, response, releaseConnection, startedAt } = exchange;
    releaseConnection?.();
    if (!response.writableFinished) client?.abort(new Error('The client has disconnected.'));
    const level = isHealthProbe(exchange) ? 'debug' : 'info';
    const ms = clock.now() - startedAt;
    if (log.isLevelEnabled(level)) log[level](requestLogLine(exchange, ms), 'request');
    reportEnd(exchange, ms);
  }

  /** Opens the stream. Releases all of the context but the logged parts, because a stream can be open for hours. */
  function startStream(exchange: Exchange, reply: StreamReply) {
    const { response, context } = exchange;
    exchange.streamStats = openStream(response, reply, streams);
    if (context) {
      exchange.context = loggedContextOf(context, context.readContext.upstreamCalls);
    }
    endRequestSpan(exchange);
    exchange.client = null;
  }

  async function runDownload(exchange: Exchange, reply: DownloadReply, client: Cancellation) {
    const { response, requestId } = exchange;
    response.on('finish', () => {
      if (!isReady()) response.req.socket.destroySoon(); // The server has begun to stop since the headers were sent.
    });
    const onFailure = (error: unknown) => {
      if (!client.isAborted) exchange.errorCodes = downloads.recordFailure(error, requestId);
    };
    await sendDownload(response, reply, { idleMs: idleTimeoutMs, onFailure });
  }

  async function respond(exchange: Exchange, client: Cancellation): Promise<AnyReply> {
    try {
      guardRequest(exchange.request, options, exchange);
      return preflight(exchange.request, corsOrigins) ?? (await route(options, exchange, client));
    } catch (error) {
      if (error instanceof HttpError) return error.toReply();
      const { requestId } = exchange;
      if (!client.isAborted) log.error({ requestId, err: error }, 'internal error');
      return errorReply(500, internalError(requestId));
    }
  }
}

/** Reports the end of a request, and of its operation. */
function reportEnd(exchange: Exchange, ms: number): void {
  const { context, errorCodes, streamStats, trace, requestId, path } = exchange;
  if (!streamStats) {
    reportRequest(exchange, ms);
    endRequestSpan(exchange, errorCodes?.[0]);
  }
  if (context && path === '/graphql') reportOperation(context, streamStats?.errorCodes ?? errorCodes);
  if (trace && traceIds.size > 0) traceIds.delete(requestId);
}

function openExchange(
  request: IncomingMessage,
  response: GatewayResponse,
  remote: Remote,
  client: Cancellation,
  startedAt: number,
): Exchange {
  const { path, search, authority } = readTarget(request.url ?? '');
  const requestId = requestIdOf(request);
  response.earlyHeaders['x-request-id'] = requestId;
  const trace = startTrace(request, requestId);
  const parts = { request, response, requestId, remote, path, search, authority, client, startedAt, trace };
  return { ...parts, releaseConnection: null };
}

function route(options: RouterOptions, exchange: Exchange, client: Cancellation): AnyReply | Promise<AnyReply> {
  const { graphiql, dashboard, webhooks, isReady } = options;
  const { request, requestId, path } = exchange;
  switch (path) {
    case '/graphql': {
      if (graphiql && isRead(request) && prefersHtml(request.headers)) return graphiql(request.headers);
      const { search } = exchange;
      return withSession(options, exchange, (session) =>
        handleGraphql(options, { request, requestId, search, client, exchange, ...session }),
      );
    }
    case '/webhooks/openai':
      if (webhooks === undefined) throw unknownPath(path);
      return webhooks(request, requestId);
    case '/health':
      requireRead(request, path);
      return jsonReply(200, { status: 'alive' });
    case '/ready':
      requireRead(request, path);
      return isReady() ? readiness(options) : jsonReply(503, { status: 'stopping' });
    case '/':
      if (dashboard) return dashboard(request, path, requestId);
      requireRead(request, path);
      return { status: 302, headers: { location: 'graphql' } }; // Relative: keeps the path prefix of a proxy.
    default:
      if (dashboard && path.startsWith(ASSETS)) return dashboard(request, path, requestId);
      return download(options, exchange, client);
  }
}

async function readiness({ findProblem }: RouterOptions): Promise<Reply> {
  const reason = await findProblem();
  return reason === null ? jsonReply(200, { status: 'ready' }) : jsonReply(503, { status: 'unready', reason });
}

async function download(options: RouterOptions, exchange: Exchange, client: Cancellation): Promise<AnyReply> {
  const { request, requestId, search, path } = exchange;
  const route = findDownload(path);
  if (route === null) throw unknownPath(path);
  exchange.route = route.template;
  requireRead(request, route.template);
  guardCrossSiteGet(request, options.corsOrigins);
  return await withSession(options, exchange, ({ identity, caller, budget }) => {
    const claimant: Claimant = { priority: 'query', callers: [caller], trace: exchange.trace?.context };
    const context = options.createContext({ requestId, cancellation: client, identity, claimant });
    exchange.context = context;
    return options.downloads.open(route, { request, search, context, identity, budget });
  });
}

/** An authenticated caller, and what it may spend. */
interface Session {
  readonly identity: Identity;
  readonly caller: Caller;
  readonly budget: CallerBudget;
}

const NOT_EXECUTED = loggedContextOf({ operationName: undefined, operationType: undefined, isTrusted: false }, 0);

/**
 * Authenticates the caller, and passes its session on: in the same tick, unless a JWT has to be verified. Throws an HttpError
 * (401, 403 or 503).
 */
function withSession(
  options: RouterOptions,
  exchange: Exchange,
  run: (session: Session) => Promise<AnyReply>,
): Promise<AnyReply> {
  const identity = options.authenticate(exchange.request.headers);
  if (!(identity instanceof Promise)) return run(openSession(options, exchange, identity));
  return identity.then((verified) => {
    if (exchange.response.destroyed) throw bodyIncomplete(); // The client has disconnected: nothing ends a read of its body.
    return run(openSession(options, exchange, verified));
  });
}

/** Keeps the connection of an authenticated caller open for it. */
function openSession(options: RouterOptions, exchange: Exchange, identity: Identity): Session {
  const { request, response } = exchange;
  exchange.releaseConnection = options.holdConnection(request.socket);
  exchange.viewer = identity.viewer;
  exchange.context = NOT_EXECUTED;
  const caller = callerOf(identity, exchange.remote, exchange.trace?.context);
  return { identity, caller, budget: options.createBudget(caller, identity.access.scope, response) };
}
