import type { IncomingHttpHeaders } from 'node:http';
import type { ApiError } from '../api/api-error.ts';
import { checkAccess, type Keys } from '../api/auth.ts';
import type { ApiRequest, Route } from '../routes/route.ts';
import type { Account } from '../simulation/account.ts';
import type { State } from '../state/state.ts';

/** A request as it is admitted: before its body has been read. */
export interface RequestHead {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What a success is answered with beside its body. */
export interface Success {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Whose server the sandbox stands for: the same jobs, and all that differs at the border. */
export interface Dialect {
  /** Where the API begins. */
  readonly basePath: string;
  /** What only this server has. */
  readonly routes: readonly Route[];
  /** Throws a Refusal unless the request may be answered. */
  admit(head: RequestHead, keys: Keys): void;
  /** What the request would be at OpenAI. */
  readRequest(request: ApiRequest): ApiRequest;
  /** What there is at all: the lists that differ in more than the form of their items. */
  stateOf(state: State): State;
  /** How OpenAI's 200 to a request of this method and OpenAI's path is answered, the body apart. */
  success(method: string, path: string, body: object): Success;
  /** The body of a success, made from that of OpenAI. */
  body(body: object, now: number): object;
  errorBody(refusal: ApiError): object;
  /** What comes with every answer, errors included. */
  headers(account: Account, processingMs: number, requestId: string): Record<string, string>;
}

export const openaiDialect: Dialect = {
  basePath: '/v1',
  routes: [],
  admit: ({ path, headers }, keys) => checkAccess(path, headers.authorization, keys),
  readRequest: (request) => request,
  stateOf: (state) => state,
  success: () => ({ status: 200, headers: {} }),
  body: openAiBody,
  errorBody: ({ body }) => body,
  /** No rate-limit headers on these endpoints (docs/upstream.md: Headers). */
  headers: ({ organization, projectId }, processingMs, requestId) => ({
    'openai-organization': organization,
    'openai-processing-ms': String(Math.round(processingMs)),
    'openai-project': projectId,
    'openai-version': '2020-10-01',
    'x-request-id': `req_${requestId}`,
  }),
};

/** OpenAI has no word for a job that is still stopping: it is called cancelled at once. */
function openAiBody(body: object): object {
  const { data, status }: { data?: readonly object[]; status?: unknown } = body;
  if (Array.isArray(data)) return { ...body, data: data.map(openAiBody) };
  return status === 'cancelling' ? { ...body, status: 'cancelled' } : body;
}
