import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Context, ContextFactory } from '../context.ts';
import { internalError } from '../schema/errors.ts';
import { type Allow, callerKey } from './allowance.ts';
import type { Answers } from './answers.ts';
import type { Engine } from './engine.ts';
import { answerGraphql } from './graphql.ts';
import { guard } from './guard.ts';
import type { Logger } from './log.ts';
import { prefersHtml } from './media-type.ts';
import { Refusal } from './refusal.ts';
import { jsonReply, type Reply, send } from './reply.ts';

export interface FrontOptions {
  engine: Engine;
  allow: Allow;
  answers: Answers;
  createContext: ContextFactory;
  graphiql: (headers: IncomingHttpHeaders) => Promise<Reply>;
  /** Whether new traffic may come; false while shutting down. */
  isReady: () => boolean;
  allowedHosts: readonly string[];
  log: Logger;
  clock: Clock;
}

/** One request, as far as it has been understood. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly path: string;
  /** The URL's query. */
  readonly search: string;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  context?: Context;
}

/** The one entrance: what holds for every request is decided here, before any of it is understood. */
export function createFront(
  options: FrontOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { allowedHosts, isReady, log, clock } = options;
  return async (request, response) => {
    const leaving = new AbortController();
    const [path = '', search = ''] = split(request.url ?? '');
    const requestId = requestIdOf(request);
    const exchange: Exchange = { request, response, requestId, path, search, signal: leaving.signal };
    const beganAt = clock.now();
    response.setHeader('x-request-id', requestId);
    response.on('close', () => {
      if (!response.writableFinished) leaving.abort(new Error('The client has left.'));
      const level = path === '/health' || path === '/ready' ? 'debug' : 'info';
      log[level]({ ...logLine(exchange), ms: clock.now() - beganAt }, 'request');
    });
    const reply = await answer(options, exchange);
    if (leaving.signal.aborted) return;
    if (!isReady()) response.shouldKeepAlive = false; // Or the connection would outlive the server.
    send(response, reply);
  };

  async function answer(options: FrontOptions, exchange: Exchange): Promise<Reply> {
    try {
      guard(exchange.request, allowedHosts);
      return await route(options, exchange);
    } catch (error) {
      if (error instanceof Refusal) return error.toReply();
      return internal(error, exchange.requestId, exchange.signal.aborted ? undefined : log);
    }
  }
}

async function route(
  { engine, allow, answers, createContext, graphiql, isReady }: FrontOptions,
  exchange: Exchange,
): Promise<Reply> {
  const { request, response, path, search } = exchange;
  switch (path) {
    case '/graphql': {
      if (request.method === 'GET' && prefersHtml(request.headers)) return await graphiql(request.headers);
      exchange.context = createContext(exchange);
      const allowance = allow(callerKey(exchange.context, request), response);
      return await answerGraphql(engine, answers, { request, search, allowance }, exchange.context);
    }
    case '/health':
      return jsonReply(200, { status: 'alive' });
    case '/ready':
      return isReady() ? jsonReply(200, { status: 'ready' }) : jsonReply(503, { status: 'stopping' });
    case '/':
      return { status: 302, headers: { location: '/graphql' } };
    default:
      throw new Refusal(404, 'The path: expected /graphql, /health or /ready.');
  }
}

/** What one request leaves in the log. Clients choose some of it, so that it is cut. */
function logLine({ request, response, requestId, path, context }: Exchange) {
  return {
    requestId,
    method: request.method,
    path: path.slice(0, 100),
    operation: context?.operationName?.slice(0, 100),
    upstreamCalls: context?.caller.upstreamCalls,
    ...(response.headersSent && { status: response.statusCode }),
    ...(!response.writableFinished && { isAborted: true }),
  };
}

function internal(error: unknown, requestId: string, log: Logger | undefined): Reply {
  log?.error({ requestId, err: error }, 'internal error');
  return jsonReply(500, { errors: [internalError(requestId)] });
}

// A proxy's id is kept, so that one request has one name everywhere.
function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

function split(url: string): [string, string] {
  const query = url.indexOf('?');
  return query < 0 ? [url, ''] : [url.slice(0, query), url.slice(query + 1)];
}
