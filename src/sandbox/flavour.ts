import type { IncomingHttpHeaders } from 'node:http';
import type { Account } from './account.ts';
import { checkKey } from './auth.ts';
import type { Refusal } from './errors.ts';
import type { ApiRequest } from './request.ts';
import type { State } from './state.ts';

/** Whose server the sandbox stands for: the same jobs, and all that differs at the border. */
export interface Flavour {
  /** Where the API begins. */
  readonly basePath: string;
  /** Throws a Refusal unless the request may be answered; an undefined key accepts any. */
  admit(headers: IncomingHttpHeaders, query: URLSearchParams, apiKey: string | undefined): void;
  /** What the request would be at OpenAI. */
  readRequest(request: ApiRequest): ApiRequest;
  /** What there is at all: the lists that differ in more than the form of their items. */
  stateOf(state: State): State;
  /** The body of a 200, made from that of OpenAI. */
  body(body: object, now: number): object;
  errorBody(refusal: Refusal): object;
  /** What comes with every answer, errors included. */
  headers(account: Account, processingMs: number, requestId: string): Record<string, string>;
}

export const openAi: Flavour = {
  basePath: '/v1',
  admit: ({ authorization }, _, apiKey) => checkKey(authorization, apiKey),
  readRequest: (request) => request,
  stateOf: (state) => state,
  body: openAiBody,
  errorBody: ({ body }) => body,
  /** No rate-limit headers on these endpoints (UPSTREAM.md 2.8). */
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
