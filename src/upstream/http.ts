import { createBodyReader } from './body.ts';
import { type Credential, withoutKey } from './credential.ts';
import {
  codeOf,
  describe,
  isMissingEndpoint,
  readErrorBody,
  retryAfterMs,
  UpstreamError,
  type UpstreamErrorFacts,
} from './errors.ts';
import { mentionsKey } from './mention.ts';
import type { Path } from './path.ts';
import { isWorthwhile, NO_RETRY, type RetryAdvice } from './retry.ts';
import { type Call, createTransport, type Response, type TransportOptions } from './transport.ts';

/** Makes something of a body, or throws; `facts` are for errors about parts of it. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;
export type Query = Readonly<Record<string, string | number | null>>;

/** The only part that talks to the upstream. Every method throws UpstreamError, or the reason of the call's signal. */
export interface Http {
  get<T>(path: Path | null, query: Query, read: Read<T>, call: Call): Promise<T>;
  /** As `get`, for one object: null when there is none, or when the path can name none (then without a request). */
  find<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /**
   * As `find`, for up to 256 MiB, past which `read` is told an error, UPSTREAM_INVALID_RESPONSE when it lets that pass:
   * `read` takes the bytes as they come, and what it leaves is not fetched.
   */
  stream<T>(path: Path | null, read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>, call: Call): Promise<T | null>;
  dispose(): Promise<void>;
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly facts: UpstreamErrorFacts;
  readonly retry: RetryAdvice;
  readonly credential: Credential;
}

export function createHttp(options: TransportOptions): Http {
  const { baseUrl, clock } = options;
  const transport = createTransport(options);
  const readText = createBodyReader();
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  const standing = Object.fromEntries(baseUrl.searchParams);
  const targetOf = (path: Path, query: Query = {}) => prefix + path + search({ ...query, ...standing });

  async function receive({ statusCode: status, headers, body }: Response, credential: Credential): Promise<Received> {
    const text = withoutKey(await readText(body, headers['content-length']), credential);
    const afterMs = retryAfterMs(headers, clock.now());
    const facts = factsOf(status, headers, afterMs, credential);
    const retry = { isWorthwhile: isWorthwhile(status, headers['x-should-retry']), afterMs };
    return { status, text, facts, retry, credential };
  }

  return {
    async get(path, query, read, call) {
      if (path === null) throw new UpstreamError('UPSTREAM_REJECTED', 'a name that nothing can have');
      const use = async (response: Response) => {
        const received = await receive(response, call.credential);
        if (isSuccess(received.status)) return parse(received, read);
        throw rejectionOf(received);
      };
      return await transport.get(targetOf(path, query), use, call);
    },
    async find(path, read, call) {
      if (path === null) return null;
      const use = async (response: Response) => {
        const received = await receive(response, call.credential);
        return isSuccess(received.status) ? parse(received, read) : nullIfAbsent(received);
      };
      return await transport.get(targetOf(path), use, call);
    },
    async stream(path, read, call) {
      if (path === null) return null;
      const use = async (response: Response) => {
        if (!isSuccess(response.statusCode)) return nullIfAbsent(await receive(response, call.credential));
        response.body.on('error', () => {}); // Whoever reads is told; what is left unread may end as it likes.
        try {
          return await read(bounded(response.body));
        } finally {
          response.body.destroy();
        }
      };
      return await transport.get(targetOf(path), use, call);
    },
    dispose: transport.dispose,
  };
}

/** More than any content that is read to its end: a results file of two million steps in base64. */
const MAX_CONTENT_BYTES = 256 * 1024 * 1024;

async function* bounded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_CONTENT_BYTES) throw new Error(`a content of more than ${MAX_CONTENT_BYTES} bytes`);
    yield chunk;
  }
}

function search(query: Query): string {
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
    return read(JSON.parse(text), facts);
  } catch (error) {
    throw error instanceof UpstreamError
      ? error
      : new UpstreamError('UPSTREAM_INVALID_RESPONSE', describe(error), facts);
  }
}

const LONGEST_DETAIL = 500;

function rejectionOf({ status, text, facts, retry, credential }: Received): UpstreamError {
  const body = readErrorBody(text);
  const code = status === 404 && isMissingEndpoint(body) ? 'UPSTREAM_UNSUPPORTED' : codeOf(status, body.code);
  const isForGood = code === 'UPSTREAM_QUOTA_EXCEEDED' || code === 'UPSTREAM_UNSUPPORTED';
  // Where it is cut, it may end in a part of the key.
  const message = body.message.slice(0, LONGEST_DETAIL);
  const detail = mentionsKey(message, credential) ? 'a message with the credential in it' : message;
  return new UpstreamError(code, detail, facts, isForGood ? NO_RETRY : retry);
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
      typeof id === 'string' && /^[\w-]{1,128}$/.test(id) && !mentionsKey(id, credential) ? id : undefined,
    retryAfterSeconds: afterMs === undefined ? undefined : Math.ceil(afterMs / 1000),
  };
}
