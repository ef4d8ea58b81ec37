import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import { ApiError, serverError } from '../api/api-error.ts';
import type { Keys } from '../api/auth.ts';
import { Download } from '../api/download.ts';
import type { Dialect, RequestHead } from '../dialects/dialect.ts';
import { isBefore } from '../state/faults.ts';
import type { State } from '../state/state.ts';
import { cutAnswer, cutRequest } from './fault-injector.ts';
import { readJson } from './json-body.ts';
import { answer } from './sandbox-router.ts';

export interface SandboxHandlerOptions {
  readonly clock: Clock;
  readonly state: State;
  readonly dialect: Dialect;
  readonly keys: Keys;
  /** Told of a fault of the sandbox's own. */
  readonly onError: ((error: unknown) => void) | undefined;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for none at all. */
  readonly body: object | null;
}

export type SandboxHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers each request, with the fault that is due. */
export function createSandboxHandler(options: SandboxHandlerOptions): SandboxHandler {
  const { clock, state, dialect, onError } = options;
  return async (request, response) => {
    const begunAt = clock.now();
    const head = headOf(request);
    const fault = state.faults.take(request.method ?? '', head.path.replace(dialect.basePath, ''));
    if (fault !== undefined && isBefore(fault) && (await cutRequest(fault, request))) return;
    const done = fault === 'fail_before' ? failed(dialect) : await replyTo(request, head, options);
    const reply = fault === 'fail_after' ? failed(dialect) : done;
    if (request.destroyed && !request.complete) return; // Its sender has left: nobody is there to be answered.
    const usual = dialect.headers(state.account, clock.now() - begunAt, randomUUID().replaceAll('-', ''));
    const headers = { ...(reply.body && { 'content-type': 'application/json' }), ...usual, ...reply.headers };
    if (fault !== undefined && cutAnswer(fault, response, { ...reply, headers })) return;
    response.writeHead(reply.status, headers);
    if (reply.body instanceof Download) await send(reply.body, response, onError);
    else response.end(reply.body && JSON.stringify(reply.body));
    if (!request.complete) request.resume(); // What is left of a refused upload is thrown away.
  };
}

function headOf({ url = '', headers }: IncomingMessage): RequestHead {
  const [path = '', ...rest] = url.split('?');
  return { path, query: new URLSearchParams(rest.join('?')), headers };
}

async function replyTo(request: IncomingMessage, head: RequestHead, options: SandboxHandlerOptions): Promise<Reply> {
  const { clock, state, dialect, keys, onError } = options;
  const { method = '' } = request;
  try {
    dialect.admit(head, keys);
    const isUpload = /^multipart\//i.test(head.headers['content-type'] ?? '');
    const json = isUpload || method !== 'POST' ? undefined : await readJson(request);
    const bytes = request.iterator({ destroyOnReturn: false });
    const asked = dialect.readRequest({ ...head, method, body: json, bytes, clock, now: clock.now() });
    const body = await answer(asked, state, dialect.routes);
    if (body instanceof Download) return { status: 200, headers: body.headers, body };
    const { status, headers } = dialect.success(method, asked.path, body);
    return { status, headers, body: status === 204 ? null : dialect.body(body, clock.now()) };
  } catch (error) {
    const hasLeft = request.destroyed && !request.complete;
    if (!(error instanceof ApiError || hasLeft)) onError?.(error);
    const refusal = error instanceof ApiError ? error : serverError();
    return { status: refusal.status, headers: refusal.headers, body: dialect.errorBody(refusal) };
  }
}

function failed(dialect: Dialect): Reply {
  return { status: 500, headers: {}, body: dialect.errorBody(serverError()) };
}

/** Writes no faster than the client reads, and no more once it has left: that is no fault. */
async function send(
  { pieces }: Download,
  response: ServerResponse,
  onError: SandboxHandlerOptions['onError'],
): Promise<void> {
  try {
    await pipeline(Readable.from(pieces, { objectMode: false }), response);
  } catch (error) {
    if (!/^(ERR_STREAM_|ECONNRESET|EPIPE)/.test(Object(error).code)) onError?.(error);
  }
}
