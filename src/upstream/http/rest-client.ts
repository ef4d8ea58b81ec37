import type { Credential } from '../credentials/credential.ts';
import { containsKeyFragment } from '../credentials/key-leak.ts';
import { redactKey } from '../credentials/redaction.ts';
import { retryAfterMs } from '../errors/retry-after.ts';
import { describeError, UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';
import type { Deadline } from '../resilience/deadline.ts';
import { isRetryable, type RetrySafety } from '../resilience/retry.ts';
import {
  type Call,
  createTransport,
  type Request,
  type Response,
  type TransportOptions,
} from '../resilience/transport.ts';
import { createByteSemaphore } from './byte-semaphore.ts';
import { type ContentResponse, pauseBetween, readContentHead } from './content-response.ts';
import { createBoundary, createFormBody, type Upload } from './multipart-writer.ts';
import type { Path } from './path.ts';
import { nullIfAbsent, type Received, rejectionOf } from './rejection.ts';
import { createBodyReader, LARGE_BODIES_BYTES } from './response-body.ts';
import { readStream, type StreamMode } from './response-stream.ts';

/** Parses a JSON body, or throws. `facts` go into the errors of single items. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;
export type Query = Readonly<Record<string, string | number | null>>;

/** Sends every request to the upstream. All methods reject with UpstreamError, or with the reason of the call's signal. */
export interface RestClient {
  get<T>(path: Path | null, query: Query, read: Read<T>, call: Call): Promise<T>;
  /** GETs one object. Resolves to null when it does not exist, or without a request when the path is null. */
  getOrNull<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /**
   * GETs one object as a stream of bytes; null when it does not exist. `read` may stop early: the rest is not fetched. The
   * stream throws when it exceeds the maximum of its mode; an error that `read` throws becomes UPSTREAM_INVALID_RESPONSE.
   */
  stream<T>(
    path: Path | null,
    read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
    call: Call,
    mode?: StreamMode,
  ): Promise<T | null>;
  /**
   * GETs one object as a stream of any length, or this range of it; null when it does not exist. The response ends when
   * `read` does. The timeout runs only while the upstream is awaited.
   */
  download<T>(
    path: Path | null,
    range: string | null,
    read: (content: ContentResponse) => Promise<T>,
    call: Call,
  ): Promise<T | null>;
  /** POSTs JSON. Sent once, unless `retrySafety` says that the request changes nothing. */
  post<T>(path: Path | null, body: unknown, read: Read<T>, call: Call, retrySafety?: RetrySafety): Promise<T>;
  /** POSTs to one object without a body; null when it does not exist. */
  postOrNull<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /** DELETEs one object; null when it does not exist. `read` receives null when the response has no body. */
  delete<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /** POSTs a form with a file, once. Rejects with any error of the file's content; then the upstream has created nothing. */
  upload<T>(path: Path | null, upload: Upload, read: Read<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createRestClient(options: TransportOptions): RestClient {
  const { baseUrl, clock } = options;
  const transport = createTransport(options);
  const semaphore = createByteSemaphore(LARGE_BODIES_BYTES);
  const readText = createBodyReader(semaphore);
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  const baseQuery = Object.fromEntries(baseUrl.searchParams);
  const targetOf = (path: Path, query: Query = {}) => prefix + path + queryStringOf({ ...query, ...baseQuery });

  async function receive(
    { statusCode: status, headers, body }: Response,
    request: Received['request'],
    credential: Credential,
  ): Promise<Received> {
    const text = redactKey(await readText(body, headers['content-length']), credential);
    const afterMs = retryAfterMs(headers, clock.now());
    const facts = factsOf(status, headers, afterMs, credential);
    const retry = { isRetryable: isRetryable(status, headers['x-should-retry']), afterMs };
    return { status, text, contentType: headers['content-type'], request, facts, retry, credential };
  }

  async function send<T>(request: Request, read: Read<T>, call: Call): Promise<T> {
    const use = async (response: Response) => {
      const received = await receive(response, request, call.credential);
      if (isSuccess(received.status)) return parse(received, read);
      throw rejectionOf(received);
    };
    return await transport.send(request, use, call);
  }

  async function sendOrNull<T>(request: Request, read: Read<T>, call: Call): Promise<T | null> {
    const use = async (response: Response) => {
      const received = await receive(response, request, call.credential);
      return isSuccess(received.status) ? parse(received, read) : nullIfAbsent(received);
    };
    return await transport.send(request, use, call);
  }

  const readRequest = (path: Path, query?: Query): Request => {
    return { method: 'GET', target: targetOf(path, query), retrySafety: 'always' };
  };

  const changeRequest = (method: 'POST' | 'DELETE', path: Path): Request => {
    return { method, target: targetOf(path), retrySafety: 'if requested' };
  };

  return {
    get: async (path, query, read, call) => send(readRequest(requirePath(path), query), read, call),
    getOrNull: async (path, read, call) => (path === null ? null : sendOrNull(readRequest(path), read, call)),
    async stream(path, read, call, mode = 'bounded') {
      if (path === null) return null;
      const request = readRequest(path);
      const use = async (response: Response, deadline: Deadline) => {
        if (!isSuccess(response.statusCode)) return nullIfAbsent(await receive(response, request, call.credential));
        response.body.on('error', () => {}); // `read` throws the error. Errors of an unread rest are ignored.
        try {
          return await read(readStream(response.body, mode, deadline, semaphore));
        } finally {
          response.body.destroy();
        }
      };
      return await transport.send(request, use, call);
    },
    async download(path, range, read, call) {
      if (path === null) return null;
      const request = { ...readRequest(path), headers: { ...(range !== null && { range }) } };
      const use = async (response: Response, deadline: Deadline) => {
        const { statusCode: status, headers, body } = response;
        if (!isSuccess(status) && !(status === 416 && range !== null))
          return nullIfAbsent(await receive(response, request, call.credential));
        body.on('error', () => {}); // The chunks throw the error. Errors of an unread rest are ignored.
        try {
          const head = readContentHead(status, headers, range !== null);
          return await read({ ...head, chunks: pauseBetween(body, deadline) });
        } finally {
          body.destroy();
        }
      };
      return await transport.send(request, use, call);
    },
    async post(path, content, read, call, retrySafety = 'never') {
      const target = targetOf(requirePath(path));
      const body = JSON.stringify(content);
      return await send({ method: 'POST', target, headers: JSON_CONTENT, body, retrySafety }, read, asMutation(call));
    },
    postOrNull: async (path, read, call) =>
      path === null ? null : sendOrNull(changeRequest('POST', path), read, asMutation(call)),
    delete: async (path, read, call) =>
      path === null ? null : sendOrNull(changeRequest('DELETE', path), read, asMutation(call)),
    async upload(path, upload, read, call) {
      const end = new AbortController();
      const boundary = createBoundary();
      const request: Request = {
        method: 'POST',
        target: targetOf(requirePath(path)),
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: ({ signal, ...deadline }) => {
          const bodyDeadline = { ...deadline, signal: AbortSignal.any([signal, end.signal]) };
          return createFormBody(upload, boundary, bodyDeadline, (error) => end.abort(error));
        },
        retrySafety: 'never',
      };
      const signal = AbortSignal.any([call.signal, end.signal]);
      try {
        return await send(request, read, { ...asMutation(call), signal });
      } finally {
        end.abort(new Error('The upload has ended.')); // A response can arrive before the last byte is sent.
      }
    },
    dispose: transport.dispose,
  };
}

const JSON_CONTENT = { 'content-type': 'application/json' };

const asMutation = (call: Call): Call => ({ ...call, priority: 'mutation' });

function requirePath(path: Path | null): Path {
  if (path === null) throw new UpstreamError('UPSTREAM_REJECTED', 'not sent: the path contains an invalid id or name');
  return path;
}

function queryStringOf(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) params.append(name, String(value));
  return params.size === 0 ? '' : `?${params}`;
}

const isSuccess = (status: number) => status >= 200 && status < 300;

function parse<T>({ text, facts }: Received, read: Read<T>): T {
  try {
    return read(text === '' ? null : JSON.parse(text), facts);
  } catch (error) {
    throw error instanceof UpstreamError
      ? error
      : new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeError(error), facts);
  }
}

type Headers = Record<string, string | string[] | undefined>;

function factsOf(
  status: number,
  headers: Headers,
  afterMs: number | undefined,
  credential: Credential,
): UpstreamErrorFacts {
  const id = headers['x-request-id'];
  return {
    upstreamStatus: status,
    upstreamRequestId:
      typeof id === 'string' && /^[\w-]{1,128}$/.test(id) && !containsKeyFragment(id, credential) ? id : undefined,
    retryAfterSeconds: afterMs === undefined ? undefined : Math.ceil(afterMs / 1000),
  };
}
