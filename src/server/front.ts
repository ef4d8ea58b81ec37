import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import type { ContextFactory } from '../context.ts';
import { internalError } from '../schema/errors.ts';
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
  answers: Answers;
  createContext: ContextFactory;
  graphiql: (headers: IncomingHttpHeaders) => Promise<Reply>;
  /** Whether new traffic may come; false while shutting down. */
  isReady: () => boolean;
  allowedHosts: readonly string[];
  log: Logger;
  clock: Clock;
}

/** What one request leaves in the log. */
type LogLine = Record<string, string | number | boolean | undefined>;

/** The one entrance: what holds for every request is decided here, before any of it is understood. */
export function createFront(
  options: FrontOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { allowedHosts, log, clock } = options;
  return async (request, response) => {
    const requestId = requestIdOf(request);
    const [path = '', search = ''] = split(request.url ?? '');
    const line: LogLine = { requestId, method: request.method, path: path.slice(0, 100) };
    const leaving = new AbortController();
    const beganAt = clock.now();
    response.setHeader('x-request-id', requestId);
    const reply = (answer: Reply) => {
      if (!options.isReady()) response.shouldKeepAlive = false; // Or the connection would outlive the server.
      send(response, answer);
    };
    response.on('close', () => {
      const isAborted = !response.writableFinished;
      if (isAborted) leaving.abort(new Error('The client has left.'));
      const level = path === '/health' || path === '/ready' ? 'debug' : 'info';
      log[level](
        { ...line, status: response.statusCode, ms: clock.now() - beganAt, ...(isAborted && { isAborted }) },
        'request',
      );
    });
    try {
      guard(request.headers, allowedHosts);
      reply(await route(options, { request, path, search, requestId, signal: leaving.signal, line }));
    } catch (error) {
      if (leaving.signal.aborted) return;
      reply(error instanceof Refusal ? error.toReply() : internal(error, requestId, log));
    }
  };
}

interface Exchange {
  request: IncomingMessage;
  path: string;
  search: string;
  requestId: string;
  signal: AbortSignal;
  line: LogLine;
}

async function route(options: FrontOptions, exchange: Exchange): Promise<Reply> {
  const { request, path } = exchange;
  switch (path) {
    case '/graphql':
      if (request.method === 'GET' && prefersHtml(request.headers)) return await options.graphiql(request.headers);
      return await graphql(options, exchange);
    case '/health':
      return jsonReply(200, { status: 'alive' });
    case '/ready':
      return options.isReady() ? jsonReply(200, { status: 'ready' }) : jsonReply(503, { status: 'stopping' });
    case '/':
      return { status: 302, headers: { location: '/graphql' } };
    default:
      throw new Refusal(404, 'The path: expected /graphql, /health or /ready.');
  }
}

async function graphql({ engine, answers, createContext }: FrontOptions, exchange: Exchange): Promise<Reply> {
  const context = createContext(exchange);
  try {
    const reply = await answerGraphql(engine, answers, exchange, context);
    exchange.line['operation'] = reply.operationName;
    return reply;
  } finally {
    exchange.line['upstreamCalls'] = context.caller.upstreamCalls;
  }
}

function internal(error: unknown, requestId: string, log: Logger): Reply {
  log.error({ requestId, err: error }, 'internal error');
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
