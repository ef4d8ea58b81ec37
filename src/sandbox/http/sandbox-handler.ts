import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import { ApiError, serverError } from '../api/api-error.ts';
import type { Keys } from '../api/auth.ts';
import { Download } from '../api/download.ts';
import { Redirect } from '../api/redirect.ts';
import type { Dialect, RequestHead } from '../dialects/dialect.ts';
import { isBeforeHandling } from '../state/faults.ts';
import type { State } from '../state/state.ts';
import { type ApiResponse, injectBeforeHandling, injectIntoResponse } from './fault-injector.ts';
import { readJson } from './json-body.ts';
import { handleRequest } from './sandbox-router.ts';

export interface SandboxHandlerOptions {
  readonly clock: Clock;
  readonly state: State;
  readonly dialect: Dialect;
  readonly keys: Keys;
  /** Called with each internal error. */
  readonly onError: ((error: unknown) => void) | undefined;
}

export type SandboxHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Handles HTTP requests in the dialect, with the injected faults. */
export function createSandboxHandler(options: SandboxHandlerOptions): SandboxHandler {
  const { clock, state, dialect, onError } = options;
  return async (request, response) => {
    const startedAt = clock.now();
    const head = headOf(request);
    const fault = state.faults.take(request.method ?? '', head.path.replace(dialect.basePath, ''));
    if (fault !== undefined && isBeforeHandling(fault) && (await injectBeforeHandling(fault, request))) return;
    const handled = fault === 'fail_before' ? internalError(dialect) : await respond(request, head, options);
    const apiResponse = fault === 'fail_after' ? internalError(dialect) : handled;
    if (isAborted(request)) return;
    const common = dialect.headers(state.account, clock.now() - startedAt, randomUUID().replaceAll('-', ''));
    const contentType = apiResponse.body && { 'content-type': 'application/json' };
    const headers = { ...contentType, ...common, ...apiResponse.headers };
    if (fault !== undefined && injectIntoResponse(fault, response, { ...apiResponse, headers })) return;
    response.writeHead(apiResponse.status, headers);
    if (apiResponse.body instanceof Download) await sendDownload(apiResponse.body, response, onError);
    else response.end(apiResponse.body && JSON.stringify(apiResponse.body));
    if (!request.complete) request.resume(); // Discards the rest of a refused upload.
  };
}

function headOf({ url = '', headers }: IncomingMessage): RequestHead {
  const [path = '', ...rest] = url.split('?');
  return { path, query: new URLSearchParams(rest.join('?')), headers };
}

async function respond(
  request: IncomingMessage,
  head: RequestHead,
  options: SandboxHandlerOptions,
): Promise<ApiResponse> {
  const { clock, state, dialect, keys, onError } = options;
  const { method = '' } = request;
  try {
    dialect.authorize(head, keys);
    const isUpload = /^multipart\//i.test(head.headers['content-type'] ?? '');
    const json = isUpload || method !== 'POST' ? undefined : await readJson(request);
    const bytes = request.iterator({ destroyOnReturn: false });
    const apiRequest = dialect.translateRequest({ ...head, method, body: json, bytes, clock, now: clock.now() });
    const body = await handleRequest(apiRequest, state, dialect);
    if (body instanceof Download) return { status: 200, headers: body.headers, body };
    if (body instanceof Redirect) return { status: 307, headers: body.headers, body: null };
    const { status, headers } = dialect.responseHead(method, apiRequest.path, body);
    const context = { path: apiRequest.path, query: head.query, now: clock.now(), state };
    return { status, headers, body: status === 204 ? null : dialect.translateBody(body, context) };
  } catch (error) {
    if (!(error instanceof ApiError || isAborted(request))) onError?.(error);
    const apiError = error instanceof ApiError ? error : serverError();
    return { status: apiError.status, headers: apiError.headers, body: dialect.errorBody(apiError) };
  }
}

/** Whether the client closed the connection before the end of its request. */
const isAborted = (request: IncomingMessage) => request.destroyed && !request.complete;

const internalError = (dialect: Dialect): ApiResponse => ({
  status: 500,
  headers: {},
  body: dialect.errorBody(serverError()),
});

/** Streams with backpressure. A client that closes the connection is not an internal error. */
async function sendDownload(
  { chunks }: Download,
  response: ServerResponse,
  onError: SandboxHandlerOptions['onError'],
): Promise<void> {
  try {
    await pipeline(Readable.from(chunks, { objectMode: false }), response);
  } catch (error) {
    if (!/^(ERR_STREAM_|ECONNRESET|EPIPE)/.test(Object(error).code)) onError?.(error);
  }
}
