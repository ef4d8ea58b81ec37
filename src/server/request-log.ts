import type { IncomingMessage } from 'node:http';
import type { LoggedContext } from '../request/context.ts';
import type { Viewer } from '../request/viewer.ts';
import type { Remote, Scheme } from './http/remote.ts';
import type { GatewayResponse } from './http/reply.ts';
import type { ResultStats } from './transports/operation-log.ts';

/** The log line `request`, written when a response has ended. A field without a value is missing. */
export interface RequestLogLine {
  /** The response header `x-request-id`. */
  readonly requestId: string;
  /** Address of the client. */
  readonly address: string | undefined;
  /** Scheme of the client's URL, with TRUST_PROXY. */
  readonly scheme: Scheme | undefined;
  readonly method: string | undefined;
  /** At most 100 characters, without the query. */
  readonly path: string;
  /** The path of a download with ID in place of the id, such as `/files/ID/content`. */
  readonly route?: string;
  /** The name of the GraphQL operation, at most 100 characters. */
  readonly operation: string | undefined;
  /** The name of the caller, with AUTH=tokens and AUTH=jwt. */
  readonly viewer: string | undefined;
  readonly upstreamCalls: number | undefined;
  /** Number of errors in the response. */
  readonly errors?: number;
  /** `extensions.code` of these errors, each once. */
  readonly errorCodes?: readonly string[];
  /** The stream format of a subscription: `sse` or `multipart`. */
  readonly transport?: string;
  /** Number of results that a subscription has sent. */
  readonly results?: number;
  /** The HTTP status; missing when the client disconnected before it was sent. */
  readonly status?: number;
  /** Whether the client disconnected before the end of the response. */
  readonly isAborted?: true;
  /** Whether the gateway ended a subscription because it was stopping, or its upstream key was replaced. */
  readonly isInterrupted?: true;
  /** Duration in milliseconds. */
  readonly ms: number;
}

/** A request and its response, as far as they are logged. */
export interface LoggedExchange {
  readonly request: IncomingMessage;
  readonly response: GatewayResponse;
  readonly requestId: string;
  readonly remote: Remote;
  readonly path: string;
  /** Set when the path is that of a download. */
  route?: string;
  /** Set when the caller is authenticated. */
  viewer?: Viewer;
  context?: LoggedContext;
  errorCodes?: readonly string[] | undefined;
  /** Set when the response is a stream. */
  streamStats?: ResultStats;
}

/** Creates the log line. Truncates the parts that clients choose. */
export function requestLogLine(exchange: LoggedExchange, ms: number): RequestLogLine {
  const { request, response, requestId, remote, path, route, viewer, context, errorCodes, streamStats } = exchange;
  const line: Writable<RequestLogLine> = {
    requestId,
    address: remote.address || undefined,
    scheme: remote.scheme,
    method: request.method,
    path: path.slice(0, 100),
    operation: context?.operationName?.slice(0, 100),
    viewer: viewer?.name ?? undefined,
    upstreamCalls: context?.readContext.upstreamCalls,
    ms,
  };
  if (route !== undefined) line.route = route;
  if (errorCodes) {
    line.errors = errorCodes.length;
    line.errorCodes = [...new Set(errorCodes)];
  }
  if (streamStats) Object.assign(line, streamStats);
  if (response.headersSent) line.status = response.statusCode;
  if (!response.writableFinished && !streamStats?.isInterrupted) line.isAborted = true;
  return line;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
