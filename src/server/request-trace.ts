import type { IncomingMessage } from 'node:http';
import { requestEnded } from '../telemetry/events.ts';
import { endSpan, type SpanEvent, spanStarted, startSpan } from '../telemetry/spans.ts';
import { readTraceContext, type TraceContext, traceIds, UNSAMPLED } from '../telemetry/trace-context.ts';
import type { GatewayResponse } from './http/reply.ts';

/** The trace of one request. */
export interface RequestTrace {
  /** The request's own span, or the one that the client sent while no tracer listens. */
  readonly context: TraceContext;
  readonly span: SpanEvent | null;
}

/** The parts of an exchange that metrics and traces get. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: GatewayResponse;
  readonly requestId: string;
  readonly path: string;
  /** The template of a download's path. */
  readonly route?: string;
  readonly trace?: RequestTrace | null;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const FIXED_PATHS = new Set(['/', '/graphql', '/webhooks/openai', '/health', '/ready']);

/** Starts the trace of a request. Returns null when no tracer listens and the client sent no `traceparent`. */
export function startTrace(request: IncomingMessage, requestId: string): RequestTrace | null {
  const { traceparent, tracestate } = request.headers;
  if (traceparent === undefined && !spanStarted.hasSubscribers) return null;
  const received = readTraceContext(traceparent, tracestate);
  const span = startSpan('request', methodOf(request), received);
  const context = span?.context ?? received;
  if (context === null) return null;
  if (context !== UNSAMPLED) traceIds.set(requestId, context.traceId);
  return { context, span };
}

/** Ends the span of a request. A stream ends it when it opens: it can be open for hours. */
export function endRequestSpan(exchange: Exchange, errorCode?: string): void {
  const { trace, request, response, requestId } = exchange;
  if (!trace?.span?.handle) return; // Not recorded.
  const route = routeOf(exchange);
  const method = methodOf(request);
  trace.span.name = `${method} ${route}`;
  const status = response.headersSent ? response.statusCode : undefined;
  const attributes = {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
    'finetune.request_id': requestId,
  };
  endSpan(trace.span, attributes, errorCode);
}

/** Reports the end of a request that is no stream. */
export function reportRequest(exchange: Exchange, ms: number): void {
  if (!requestEnded.hasSubscribers) return;
  const { request, response } = exchange;
  const status = response.headersSent ? response.statusCode : null;
  requestEnded.publish({ method: methodOf(request), route: routeOf(exchange), status, seconds: ms / 1000 });
}

const methodOf = ({ method = '' }: IncomingMessage) => (METHODS.has(method) ? method : '_OTHER');

const routeOf = ({ path, route }: Exchange) => (FIXED_PATHS.has(path) ? path : (route ?? 'other'));
