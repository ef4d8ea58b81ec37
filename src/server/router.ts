import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Context, ContextFactory } from '../request/context.ts';
import { internalError } from '../schema/core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Authenticate } from './auth/authenticate.ts';
import { prefersHtml } from './http/content-negotiation.ts';
import { preflight, withCors } from './http/cors.ts';
import { Refusal } from './http/http-error.ts';
import { errorReply, type FrontResponse, jsonReply, type Reply, send } from './http/reply.ts';
import { guard, isProbed, type Welcome } from './http/request-guard.ts';
import { type RequestTarget, readTarget } from './http/request-target.ts';
import type { Webhooks } from './http/webhook-endpoint.ts';
import { type Allow, callerKey } from './limits/caller-rate-limiter.ts';
import { answerGraphql, type GraphqlOptions } from './transports/graphql-over-http.ts';
import { type LiveReply, openStream, type Tally } from './transports/http-stream.ts';
import type { Streams } from './transports/stream-registry.ts';

export interface FrontOptions extends Welcome, GraphqlOptions {
  corsOrigins: readonly string[];
  allow: Allow;
  authenticate: Authenticate;
  createContext: ContextFactory;
  streams: Streams;
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
  readonly caller: Pick<Context['caller'], 'upstreamCalls'>;
};

/** One request, as far as it has been understood. */
interface Exchange extends RequestTarget {
  readonly request: IncomingMessage;
  readonly response: FrontResponse;
  readonly requestId: string;
  /** Aborted when the client leaves; null once a stream answers, which ends by itself then. */
  leaving: AbortController | null;
  context?: LoggedContext;
  errorCodes?: readonly string[] | undefined;
  /** The stream that answers, if one does. */
  tally?: Tally;
}

/** The one entrance: what holds for every request is decided here, before any of it is understood. */
export function createFront(
  options: FrontOptions,
): (request: IncomingMessage, response: FrontResponse) => Promise<void> {
  const { corsOrigins, isReady, streams, log, clock } = options;
  return async (request, response) => {
    const leaving = new AbortController();
    const target = readTarget(request.url ?? '');
    const requestId = requestIdOf(request);
    const exchange: Exchange = { request, response, requestId, ...target, leaving };
    const beganAt = clock.now();
    response.early['x-request-id'] = requestId;
    response.on('close', () => {
      if (!response.writableFinished) exchange.leaving?.abort(new Error('The client has left.'));
      const level = isProbed(target) ? 'debug' : 'info';
      log[level]({ ...logLine(exchange), ms: clock.now() - beganAt }, 'request');
    });
    const reply = withCors(await answer(options, exchange, leaving.signal), request, corsOrigins);
    exchange.errorCodes = reply.errorCodes;
    if (!isReady()) response.shouldKeepAlive = false; // Or the connection would outlive the server.
    if ('member' in reply) stream(exchange, reply);
    else if (!leaving.signal.aborted && !response.headersSent) send(response, reply);
  };

  /** Of a request that is answered for hours only what the log says of it in the end is held. */
  function stream(exchange: Exchange, reply: LiveReply) {
    const { response, context } = exchange;
    exchange.tally = openStream(response, reply, streams);
    if (context) {
      const { operationName, viewer, caller } = context;
      exchange.context = { operationName, viewer, caller: { upstreamCalls: caller.upstreamCalls } };
    }
    exchange.leaving = null;
  }

  async function answer(options: FrontOptions, exchange: Exchange, signal: AbortSignal): Promise<Reply | LiveReply> {
    try {
      guard(exchange.request, options, exchange);
      return preflight(exchange.request, corsOrigins) ?? (await route(options, exchange, signal));
    } catch (error) {
      if (error instanceof Refusal) return error.toReply();
      return internal(error, exchange.requestId, signal.aborted ? undefined : log);
    }
  }
}

async function route(options: FrontOptions, exchange: Exchange, signal: AbortSignal): Promise<Reply | LiveReply> {
  const { allow, authenticate, createContext, graphiql, webhooks, isReady } = options;
  const { request, response, requestId, path } = exchange;
  switch (path) {
    case '/graphql': {
      if (graphiql && isRead(request) && prefersHtml(request.headers)) return await graphiql(request.headers);
      const identity = authenticate(request.headers);
      const context = createContext({ requestId, signal, identity });
      exchange.context = context;
      const caller = callerKey(context, request);
      const allowance = allow(context, request, response);
      return await answerGraphql(options, { ...exchange, context, identity, caller, allowance });
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
function logLine({ request, response, requestId, path, context, errorCodes, tally }: Exchange) {
  return {
    requestId,
    method: request.method,
    path: path.slice(0, 100),
    operation: context?.operationName?.slice(0, 100),
    viewer: context?.viewer.name ?? undefined,
    upstreamCalls: context?.caller.upstreamCalls,
    ...(errorCodes && { errors: errorCodes.length, errorCodes: [...new Set(errorCodes)] }),
    ...tally,
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

const unknownPath = () => new Refusal(404, 'The path: expected /graphql, /health or /ready.');

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD';

function expectRead(request: IncomingMessage): void {
  if (!isRead(request)) throw new Refusal(405, 'The method: expected GET.', { allow: 'GET, HEAD' });
}
