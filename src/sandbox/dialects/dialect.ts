import type { IncomingHttpHeaders } from 'node:http';
import { type ApiError, unknownUrl } from '../api/api-error.ts';
import { checkAccess, type Keys } from '../api/auth.ts';
import type { ApiRequest, Route } from '../routes/route.ts';
import type { Account } from '../simulation/account.ts';
import type { State } from '../state/state.ts';

/** A request before its body is read. */
export interface RequestHead {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** The request that a body answers, with the state behind it. */
export interface BodyContext {
  /** In OpenAI's form. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly state: State;
}

/** Status and additional headers of a success. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** One server's form of the REST API. The routes handle OpenAI's form; a dialect translates requests and responses. */
export interface Dialect {
  /** Path of the base URL. */
  readonly basePath: string;
  /** Routes that only this server has. */
  readonly routes: readonly Route[];
  /** Throws ApiError unless the key and the API version are valid. */
  authorize(head: RequestHead, keys: Keys): void;
  /** Translates a request to OpenAI's form. Throws ApiError. */
  translateRequest(request: ApiRequest): ApiRequest;
  /** Translates lists that differ in their items or content, not only in the form of an item. */
  translateState(state: State): State;
  /** Returns the head of a success by method, path and body in OpenAI's form. */
  responseHead(method: string, path: string, body: object): ResponseHead;
  /** Whether a path that ends in a slash is redirected to the route without the slash, if there is one. */
  redirectsSlash(path: string): boolean;
  /** The path that the client sent, by the path in OpenAI's form. */
  clientPath(path: string): string;
  /** The error for a path without a route. */
  unknownPath(method: string, path: string): ApiError;
  /** Translates the body of a success from OpenAI's form. */
  translateBody(body: object, context: BodyContext): object;
  errorBody(error: ApiError): object;
  /** Headers of every response, errors included. */
  headers(account: Account, processingMs: number, requestId: string): Record<string, string>;
}

export const openaiDialect: Dialect = {
  basePath: '/v1',
  routes: [],
  authorize: ({ path, headers }, keys) => checkAccess(path, headers.authorization, keys),
  /** The proxy in front of the service merges slashes (docs/upstream.md: Endpoints). */
  translateRequest: (request) => ({ ...request, path: request.path.replace(/\/{2,}/g, '/') }),
  translateState: (state) => state,
  responseHead: () => ({ status: 200, headers: {} }),
  redirectsSlash: (path) => /^\/v1\/fine_tuning\/.*\/$/.test(path),
  clientPath: (path) => path,
  unknownPath: unknownUrl,
  translateBody: openaiBody,
  errorBody: ({ body }) => body,
  /** These endpoints have no rate limit headers (docs/upstream.md: Headers). */
  headers: ({ organization, projectId }, processingMs, requestId) => ({
    'openai-organization': organization,
    'openai-processing-ms': String(Math.round(processingMs)),
    'openai-project': projectId,
    'openai-version': '2020-10-01',
    'x-request-id': `req_${requestId}`,
  }),
};

/** OpenAI has no status `cancelling`: it reports `cancelled` at once. */
function openaiBody(body: object): object {
  const { data, status }: { data?: readonly object[]; status?: unknown } = body;
  if (Array.isArray(data)) return { ...body, data: data.map(openaiBody) };
  return status === 'cancelling' ? { ...body, status: 'cancelled' } : body;
}
