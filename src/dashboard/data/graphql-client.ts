import type { Document } from '../operations/document.ts';
import { fromWire, ownError, type RequestError, type WireError } from './request-error.ts';
import { readToken, replaceToken } from './token.ts';

/** The result of a query or mutation. It is never thrown. */
export type Answer<Result> =
  | {
      readonly ok: true;
      readonly data: Result;
      /** Errors of single fields, which are null in `data`. */
      readonly errors: readonly RequestError[];
    }
  | { readonly ok: false; readonly error: RequestError };

/** The body of a GraphQL response. */
interface WireAnswer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly WireError[];
}

/** The URL of the graph, beside this page: a proxy can add a path prefix. */
export const graphUrl = (): URL => new URL('graphql', document.baseURI);

const UNREACHABLE = 'The gateway cannot be reached. Check that it runs and that your network works, then try again.';

/** Sends a query or a mutation. When the gateway rejects the token, asks for another one and sends it again. */
export async function query<Result, Variables>(
  operation: Document<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Answer<Result>> {
  for (;;) {
    const token = readToken();
    try {
      const response = await post(operation, variables, token, signal);
      const answer = await readAnswer<Result>(response);
      const isRejected = response.status === 401 || (token !== null && response.status === 403);
      if (!isRejected || answer.ok) return answer;
      const reason = response.status === 403 ? 'forbidden' : token === null ? 'missing' : 'invalid';
      if (!(await replaceToken(token, reason, token === null ? '' : answer.error.message))) return answer;
    } catch {
      if (signal?.aborted) return { ok: false, error: ownError('ABORTED', 'The request was canceled.') };
      return { ok: false, error: ownError('NETWORK', UNREACHABLE) };
    }
  }
}

function post<Result, Variables>(
  { name, text }: Document<Result, Variables>,
  variables: Variables,
  token: string | null,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return fetch(graphUrl(), {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json',
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: text, operationName: name, variables }),
    signal: signal ?? null,
  });
}

async function readAnswer<Result>(response: Response): Promise<Answer<Result>> {
  const text = await response.text();
  const body = parseBody<Result>(text);
  if (body === null) {
    const message = `Not the gateway but a server before it has responded, with the HTTP status ${response.status}. Try again later.`;
    return { ok: false, error: ownError('NETWORK', message) }; // Of a proxy.
  }
  return answerOf(body);
}

/** The answer in the body of a response or of a message. */
export function answerOf<Result>({ data, errors = [] }: WireAnswer<Result>): Answer<Result> {
  const all = errors.map(fromWire);
  if (data !== null && data !== undefined) return { ok: true, data, errors: all };
  return { ok: false, error: all[0] ?? ownError('INTERNAL', 'The response has neither data nor errors.') };
}

function parseBody<Result>(text: string): WireAnswer<Result> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as WireAnswer<Result>) : null; // As the schema says.
  } catch {
    return null;
  }
}
