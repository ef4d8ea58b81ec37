import { describeError, UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';
import type { Request } from '../resilience/attempt.ts';
import type { Deadline } from '../resilience/deadline.ts';
import type { RetrySafety } from '../resilience/retry.ts';
import { type Call, callWith, createTransport, type TransportOptions } from '../resilience/transport.ts';
import { LARGE_BODIES_BYTES } from './body-text.ts';
import { createByteSemaphore } from './byte-semaphore.ts';
import { type ContentResponse, pauseBetween, readContentHead } from './content-response.ts';
import { createBoundary, createFormBody, type Upload } from './multipart-writer.ts';
import type { Path } from './path.ts';
import { type Query, queryStringOf } from './query.ts';
import { Received } from './received.ts';
import { nullIfAbsent, rejectionOf } from './rejection.ts';
import { readStream, type StreamMode } from './response-stream.ts';
import { createStreamExchange, readText, type StreamResponse } from './stream-exchange.ts';
import { createTextExchange } from './text-exchange.ts';

/** Parses a JSON body, or throws. `facts` go into the errors of single items. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;

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
  const exchangeText = createTextExchange(semaphore, clock);
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  const baseQuery = Object.fromEntries(baseUrl.searchParams);
  const targetOf = (path: Path, query: Query = {}) => prefix + path.text + queryStringOf(query, baseQuery);

  const send = <T>(request: Request, read: Read<T>, call: Call): Promise<T> =>
    transport.send(request, exchangeText, (received) => readSuccess(received, read, call), call);

  const sendOrNull = <T>(request: Request, read: Read<T>, call: Call): Promise<T | null> => {
    const use = (received: Received) => {
      call.onResponse?.(received);
      return isSuccess(received.status) ? parse(received, read) : nullIfAbsent(received);
    };
    return transport.send(request, exchangeText, use, call);
  };

  const sendStream = <T>(request: Request, use: UseStream<T>, call: Call): Promise<T> =>
    transport.send(request, createStreamExchange(use), (result) => result, call);

  async function receive({ statusCode, headers, body }: StreamResponse, request: Request, { credential }: Call) {
    const text = await readText(body, headers['content-length'], semaphore);
    return new Received(statusCode, headers, text, request, credential, clock);
  }

  const readRequest = (path: Path, query?: Query): Request => {
    return { method: 'GET', path, target: targetOf(path, query), retrySafety: 'always' };
  };

  const changeRequest = (method: 'POST' | 'DELETE', path: Path): Request => {
    return { method, path, target: targetOf(path), retrySafety: 'if requested' };
  };

  return {
    get: (path, query, read, call) =>
      path === null ? Promise.reject(invalidPath()) : send(readRequest(path, query), read, call),
    getOrNull: (path, read, call) =>
      path === null ? Promise.resolve(null) : sendOrNull(readRequest(path), read, call),
    async stream(path, read, call, mode = 'bounded') {
      if (path === null) return null;
      const request = readRequest(path);
      const use = async (response: StreamResponse, deadline: Deadline) => {
        if (!isSuccess(response.statusCode)) return nullIfAbsent(await receive(response, request, call));
        response.body.on('error', () => {}); // `read` throws the error. Errors of an unread rest are ignored.
        try {
          return await read(readStream(response.body, mode, deadline, semaphore));
        } finally {
          response.body.destroy();
        }
      };
      return await sendStream(request, use, call);
    },
    async download(path, range, read, call) {
      if (path === null) return null;
      const request = { ...readRequest(path), headers: { ...(range !== null && { range }) } };
      const use = async (response: StreamResponse, deadline: Deadline) => {
        const { statusCode: status, headers, body } = response;
        if (!isSuccess(status) && !(status === 416 && range !== null))
          return nullIfAbsent(await receive(response, request, call));
        body.on('error', () => {}); // The chunks throw the error. Errors of an unread rest are ignored.
        try {
          const head = readContentHead(status, headers, range !== null);
          return await read({ ...head, chunks: pauseBetween(body, deadline) });
        } finally {
          body.destroy();
        }
      };
      return await sendStream(request, use, call);
    },
    async post(path, content, read, call, retrySafety = 'never') {
      if (path === null) throw invalidPath();
      const body = JSON.stringify(content);
      return await send(
        { method: 'POST', path, target: targetOf(path), headers: JSON_CONTENT, body, retrySafety },
        read,
        call,
      );
    },
    postOrNull: async (path, read, call) =>
      path === null ? null : sendOrNull(changeRequest('POST', path), read, call),
    delete: async (path, read, call) => (path === null ? null : sendOrNull(changeRequest('DELETE', path), read, call)),
    async upload(path, upload, read, call) {
      if (path === null) throw invalidPath();
      const end = new AbortController();
      const boundary = createBoundary();
      const request: Request = {
        method: 'POST',
        path,
        target: targetOf(path),
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: (deadline) => {
          const signal = AbortSignal.any([deadline.signal, end.signal]);
          const bodyDeadline = { signal, restart: () => deadline.restart(), pause: () => deadline.pause() };
          return createFormBody(upload, boundary, bodyDeadline, (error) => end.abort(error));
        },
        retrySafety: 'never',
      };
      const uploadCall = callWith({ signal: AbortSignal.any([call.signal, end.signal]) }, call);
      const use = async (response: StreamResponse) => readSuccess(await receive(response, request, call), read, call);
      try {
        return await sendStream(request, use, uploadCall);
      } finally {
        end.abort(new Error('The upload has ended.')); // A response can arrive before the last byte is sent.
      }
    },
    dispose: transport.dispose,
  };
}

type UseStream<T> = (response: StreamResponse, deadline: Deadline) => Promise<T>;

const JSON_CONTENT = { 'content-type': 'application/json' };

const invalidPath = () => new UpstreamError('UPSTREAM_REJECTED', 'not sent: the path contains an invalid id or name');

const isSuccess = (status: number) => status >= 200 && status < 300;

/** Parses the body of a success. Throws the error of any other response. */
function readSuccess<T>(received: Received, read: Read<T>, call: Call): T {
  call.onResponse?.(received);
  if (isSuccess(received.status)) return parse(received, read);
  throw rejectionOf(received);
}

function parse<T>(received: Received, read: Read<T>): T {
  const { text } = received;
  try {
    return read(text === '' ? null : JSON.parse(text), received);
  } catch (error) {
    throw error instanceof UpstreamError
      ? error
      : new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeError(error), received);
  }
}
