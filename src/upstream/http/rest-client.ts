import type { Credential } from '../credentials/credential.ts';
import { containsKeyFragment } from '../credentials/key-leak.ts';
import { redactKey } from '../credentials/redaction.ts';
import { isMissingEndpoint, readErrorBody } from '../errors/error-body.ts';
import { retryAfterMs } from '../errors/retry-after.ts';
import {
  codeOf,
  describeInvalidBody,
  NO_RETRY,
  type RetryAdvice,
  UpstreamError,
  type UpstreamErrorFacts,
} from '../errors/upstream-error.ts';
import type { Deadline } from '../resilience/deadline.ts';
import { isRetryable, type RetrySafety } from '../resilience/retry.ts';
import {
  type Call,
  createTransport,
  type Request,
  type Response,
  type TransportOptions,
} from '../resilience/transport.ts';
import { createBoundary, createFormBody, type Upload } from './multipart-writer.ts';
import type { Path } from './path.ts';
import { createBodyReader } from './response-body.ts';

/** Makes something of a body, or throws; `facts` are for errors about parts of it. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;
export type Query = Readonly<Record<string, string | number | null>>;

/** The only part that talks to the upstream. Every method throws UpstreamError, or the reason of the call's signal. */
export interface RestClient {
  get<T>(path: Path | null, query: Query, read: Read<T>, call: Call): Promise<T>;
  /** As `get`, for one object: null when there is none, or when the path can name none (then without a request). */
  getOrNull<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /**
   * As `find`, for up to 256 MiB, past which `read` is told an error, UPSTREAM_INVALID_RESPONSE when it lets that pass:
   * `read` takes the bytes as they come, and what it leaves is not fetched. Patiently: up to 1 GiB, and the call's time
   * counts only until the next bytes come.
   */
  stream<T>(
    path: Path | null,
    read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
    call: Call,
    patiently?: 'patiently',
  ): Promise<T | null>;
  /** POSTs JSON, once whatever comes of it, unless `repetition` says that nothing is changed by it. */
  post<T>(path: Path | null, body: unknown, read: Read<T>, call: Call, retrySafety?: RetrySafety): Promise<T>;
  /** POSTs nothing to one object, which it changes; null when there is none. */
  postOrNull<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /** DELETEs one object; null when there is none. Where the answer has no body `read` gets null. */
  delete<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /** POSTs a form with a file in it as its bytes come, once. Rejects also with what the bytes' source throws: nothing is made then. */
  upload<T>(path: Path | null, upload: Upload, read: Read<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly facts: UpstreamErrorFacts;
  readonly retry: RetryAdvice;
  readonly credential: Credential;
}

export function createRestClient(options: TransportOptions): RestClient {
  const { baseUrl, clock } = options;
  const transport = createTransport(options);
  const readText = createBodyReader();
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  const standing = Object.fromEntries(baseUrl.searchParams);
  const targetOf = (path: Path, query: Query = {}) => prefix + path + queryStringOf({ ...query, ...standing });

  async function receive({ statusCode: status, headers, body }: Response, credential: Credential): Promise<Received> {
    const text = redactKey(await readText(body, headers['content-length']), credential);
    const afterMs = retryAfterMs(headers, clock.now());
    const facts = factsOf(status, headers, afterMs, credential);
    const retry = { isRetryable: isRetryable(status, headers['x-should-retry']), afterMs };
    return { status, text, facts, retry, credential };
  }

  async function ask<T>(request: Request, read: Read<T>, call: Call): Promise<T> {
    const use = async (response: Response) => {
      const received = await receive(response, call.credential);
      if (isSuccess(received.status)) return parse(received, read);
      throw rejectionOf(received);
    };
    return await transport.send(request, use, call);
  }

  async function askAbout<T>(request: Request, read: Read<T>, call: Call): Promise<T | null> {
    const use = async (response: Response) => {
      const received = await receive(response, call.credential);
      return isSuccess(received.status) ? parse(received, read) : nullIfAbsent(received);
    };
    return await transport.send(request, use, call);
  }

  const reading = (path: Path, query?: Query): Request => {
    return { method: 'GET', target: targetOf(path, query), retrySafety: 'always' };
  };

  const changing = (method: 'POST' | 'DELETE', path: Path): Request => {
    return { method, target: targetOf(path), retrySafety: 'if requested' };
  };

  return {
    get: async (path, query, read, call) => ask(reading(requirePath(path), query), read, call),
    getOrNull: async (path, read, call) => (path === null ? null : askAbout(reading(path), read, call)),
    async stream(path, read, call, patiently) {
      if (path === null) return null;
      const use = async (response: Response, deadline: Deadline) => {
        if (!isSuccess(response.statusCode)) return nullIfAbsent(await receive(response, call.credential));
        response.body.on('error', () => {}); // Whoever reads is told; what is left unread may end as it likes.
        try {
          return await read(
            patiently ? bounded(response.body, MAX_WHOLE_BYTES, deadline.restart) : bounded(response.body),
          );
        } finally {
          response.body.destroy();
        }
      };
      return await transport.send(reading(path), use, call);
    },
    async post(path, content, read, call, retrySafety = 'never') {
      const target = targetOf(requirePath(path));
      const body = JSON.stringify(content);
      return await ask({ method: 'POST', target, headers: JSON_CONTENT, body, retrySafety }, read, asMutation(call));
    },
    postOrNull: async (path, read, call) =>
      path === null ? null : askAbout(changing('POST', path), read, asMutation(call)),
    delete: async (path, read, call) =>
      path === null ? null : askAbout(changing('DELETE', path), read, asMutation(call)),
    async upload(path, upload, read, call) {
      const ending = new AbortController();
      const boundary = createBoundary();
      const request: Request = {
        method: 'POST',
        target: targetOf(requirePath(path)),
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: ({ signal, ...deadline }) =>
          createFormBody(upload, boundary, { ...deadline, signal: AbortSignal.any([signal, ending.signal]) }, (error) =>
            ending.abort(error),
          ),
        retrySafety: 'never',
      };
      const signal = AbortSignal.any([call.signal, ending.signal]);
      try {
        return await ask(request, read, { ...asMutation(call), signal });
      } finally {
        ending.abort(new Error('The upload has ended.')); // An answer can come before the last byte.
      }
    },
    dispose: transport.dispose,
  };
}

const JSON_CONTENT = { 'content-type': 'application/json' };

const asMutation = (call: Call): Call => ({ ...call, priority: 'mutation' });

function requirePath(path: Path | null): Path {
  if (path === null) throw new UpstreamError('UPSTREAM_REJECTED', 'a name that nothing can have');
  return path;
}

/** More than any content that is read to its end: a results file of two million steps in base64. */
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;

/** Twice what OpenAI takes. */
const MAX_WHOLE_BYTES = 1024 * 1024 * 1024;

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = MAX_CONTENT_BYTES,
  onChunk = () => {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of chunks) {
    onChunk();
    length += chunk.length;
    if (length > maxBytes) throw new Error(`a content of more than ${maxBytes} bytes`);
    yield chunk;
  }
}

function queryStringOf(query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) given.append(name, String(value));
  return given.size === 0 ? '' : `?${given}`;
}

const isSuccess = (status: number) => status >= 200 && status < 300;

function nullIfAbsent(received: Received): null {
  if (received.status === 404 && !isMissingEndpoint(readErrorBody(received.text))) return null;
  throw rejectionOf(received);
}

function parse<T>({ text, facts }: Received, read: Read<T>): T {
  try {
    return read(text === '' ? null : JSON.parse(text), facts);
  } catch (error) {
    throw error instanceof UpstreamError
      ? error
      : new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeInvalidBody(error), facts);
  }
}

const MAX_DETAIL_LENGTH = 500;

function rejectionOf({ status, text, facts, retry, credential }: Received): UpstreamError {
  const body = readErrorBody(text);
  const code = status === 404 && isMissingEndpoint(body) ? 'UPSTREAM_UNSUPPORTED' : codeOf(status, body.code);
  const isForGood = code === 'UPSTREAM_QUOTA_EXCEEDED' || code === 'UPSTREAM_UNSUPPORTED';
  // Where it is cut, it may end in a part of the key.
  const message = body.message.slice(0, MAX_DETAIL_LENGTH);
  const detail = containsKeyFragment(message, credential) ? 'a message with the credential in it' : message;
  const told = body.isEnvelope && detail === message ? message : '';
  return new UpstreamError(code, detail, facts, isForGood ? NO_RETRY : retry, false, told);
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
