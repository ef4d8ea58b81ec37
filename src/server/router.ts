import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Context, ContextFactory } from '../request/context.ts';
import { internalError } from '../schema/core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { prefersHtml } from './http/content-negotiation.ts';
import { preflight, withCors } from './http/cors.ts';
import { HttpError } from './http/http-error.ts';
import { errorReply, type GatewayResponse, jsonReply, type Reply, send } from './http/reply.ts';
import { guardRequest, type HostPolicy, isHealthProbe } from './http/request-guard.ts';
import { type RequestTarget, readTarget } from './http/request-target.ts';
import type { Webhooks } from './http/webhook-endpoint.ts';
import { type CreateCallerBudget, callerKey } from './limits/caller-rate-limiter.ts';
import { answerGraphql, type GraphqlOptions } from './transports/graphql-over-http.ts';
import { openStream, type StreamReply, type StreamStats } from './transports/http-stream.ts';
import type { StreamRegistry } from './transports/stream-registry.ts';

export interface RouterOptions extends HostPolicy, GraphqlOptions {
  corsOrigins: readonly string[];
  createBudget: CreateCallerBudget;
  authenticate: Authenticate;
  createContext: ContextFactory;
  streams: StreamRegistry;
  /** The page for browsers, if they get one. */
  graphiql: ((headers: IncomingHttpHeaders) => Promise<Reply>) | undefined;
  /** What takes the upstream's webhooks, if anything does. */
  webhooks: Webhooks | undefined;
  /** Whether new traffic may come; false while shutting down. */
  isReady: () => boolean;
  log: Logger;
  clock: Clock;
}

/** What the log says of a context. */
type LoggedContext = Pick<Context, 'operationName' | 'viewer'> & {
  readonly readContext: Pick<Context['readContext'], 'upstreamCalls'>;
};

/** One request, as far as it has been understood. */
interface Exchange extends RequestTarget {
  readonly request: IncomingMessage;
  readonly response: GatewayResponse;
  readonly requestId: string;
  /** Aborted when the client leaves; null once a stream answers, which ends by itself then. */
  clientAbort: AbortController | null;
  context?: LoggedContext;
  errorCodes?: readonly string[] | undefined;
  /** The stream that answers, if one does. */
  streamStats?: StreamStats;
}

/** The one entrance: what holds for every request is decided here, before any of it is understood. */
export function createRouter(
  options: RouterOptions,
): (request: IncomingMessage, response: GatewayResponse) => Promise<void> {
  const { corsOrigins, isReady, streams, log, clock } = options;
  return async (request, response) => {
    const clientAbort = new AbortController();
    const target = readTarget(request.url ?? '');
    const requestId = requestIdOf(request);
    const exchange: Exchange = { request, response, requestId, ...target, clientAbort };
    const beganAt = clock.now();
    response.earlyHeaders['x-request-id'] = requestId;
    response.on('close', () => {
      if (!response.writableFinished) exchange.clientAbort?.abort(new Error('The client has left.'));
      const level = isHealthProbe(target) ? 'debug' : 'info';
      log[level]({ ...logLine(exchange), ms: clock.now() - beganAt }, 'request');
    });
    const reply = withCors(await answer(options, exchange, clientAbort.signal), request, corsOrigins);
    exchange.errorCodes = reply.errorCodes;
    if (!isReady()) response.shouldKeepAlive = false; // Or the connection would outlive the server.
    if ('subscriber' in reply) stream(exchange, reply);
    else if (!clientAbort.signal.aborted && !response.headersSent) send(response, reply);
  };

  /** Of a request that is answered for hours only what the log says of it in the end is held. */
  function stream(exchange: Exchange, reply: StreamReply) {
    const { response, context } = exchange;
    exchange.streamStats = openStream(response, reply, streams);
    if (context) {
      const { operationName, viewer, readContext } = context;
      exchange.context = { operationName, viewer, readContext: { upstreamCalls: readContext.upstreamCalls } };
    }
    exchange.clientAbort = null;
  }

  async function answer(options: RouterOptions, exchange: Exchange, signal: AbortSignal): Promise<Reply | StreamReply> {
    try {
      guardRequest(exchange.request, options, exchange);
      return preflight(exchange.request, corsOrigins) ?? (await route(options, exchange, signal));
    } catch (error) {
      if (error instanceof HttpError) return error.toReply();
      return internal(error, exchange.requestId, signal.aborted ? undefined : log);
    }
  }
}

async function route(options: RouterOptions, exchange: Exchange, signal: AbortSignal): Promise<Reply | StreamReply> {
  const { createBudget, authenticate, createContext, graphiql, webhooks, isReady } = options;
  const { request, response, requestId, path } = exchange;
  switch (path) {
    case '/graphql': {
      if (graphiql && isRead(request) && prefersHtml(request.headers)) return await graphiql(request.headers);
      const identity = authenticate(request.headers);
      const context = createContext({ requestId, signal, identity });
      exchange.context = context;
      const caller = callerKey(context, request);
      const budget = createBudget(context, request, response);
      return await answerGraphql(options, { ...exchange, context, identity, caller, budget });
    }
    case '/webhooks/openai':
      if (webhooks === undefined) throw unknownPath();
      return await webhooks(request, requestId);
    case '/health':
      expectRead(request);
      return jsonReply(200, { status: 'alive' });
    case '/ready':
      expectRead(request);
      return isReady() ? jsonReply(200, { status: 'ready' }) : jsonReply(503, { status: 'stopping' });
    case '/':
      expectRead(request);
      return { status: 302, headers: { location: '/graphql' } };
    default:
      throw unknownPath();
  }
}

/** What one request leaves in the log. Clients choose some of it, so that it is cut. */
function logLine({ request, response, requestId, path, context, errorCodes, streamStats }: Exchange) {
  return {
    requestId,
    method: request.method,
    path: path.slice(0, 100),
    operation: context?.operationName?.slice(0, 100),
    viewer: context?.viewer.name ?? undefined,
    upstreamCalls: context?.readContext.upstreamCalls,
    ...(errorCodes && { errors: errorCodes.length, errorCodes: [...new Set(errorCodes)] }),
    ...streamStats,
    ...(response.headersSent && { status: response.statusCode }),
    ...(!response.writableFinished && { isAborted: true }),
  };
}

function internal(error: unknown, requestId: string, log: Logger | undefined): Reply {
  log?.error({ requestId, err: error }, 'internal error');
  return errorReply(500, internalError(requestId));
}

// A proxy's id is kept, so that one request has one name everywhere.
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

const unknownPath = () => new HttpError(404, 'The path: expected /graphql, /health or /ready.');

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD';

function expectRead(request: IncomingMessage): void {
  if (!isRead(request)) throw new HttpError(405, 'The method: expected GET.', { allow: 'GET, HEAD' });
}
