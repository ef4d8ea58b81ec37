import { errors, Pool } from 'undici';
import type { Clock } from '../clock.ts';
import {
  codeOf,
  describe,
  isMissingEndpoint,
  readErrorBody,
  retryAfterSeconds,
  UpstreamError,
  type UpstreamErrorCode,
  type UpstreamErrorFacts,
} from './errors.ts';
import type { Path } from './path.ts';

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Fewest characters of a secret; servers that need none are given any text, which must not be cut out of others. */
export const SHORTEST_KEY = 8;

/** On whose behalf the upstream is called. */
export interface Credential {
  readonly apiKey: string;
  readonly organizationId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** For whom one request is made, and how it ends early. */
export interface Call {
  readonly credential: Credential;
  /** Ends the request, down to the socket. The promise then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request that is sent. */
  readonly onRequest?: () => void;
}

export interface Answer<T> {
  readonly value: T;
  /** Characters of the body that the value was read from: what it roughly weighs. */
  readonly size: number;
}

/** Makes something of a body, or throws; `facts` are for errors about parts of it. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;
type Query = Readonly<Record<string, string | number | null>>;

/** The only part that talks to the upstream. Every method throws UpstreamError, or the reason of the call's signal. */
export interface Http {
  get<T>(path: Path | null, query: Query, read: Read<T>, call: Call): Promise<Answer<T>>;
  /** As `get`, for one object: null when there is none, or when the path can name none (then without a request). */
  find<T>(path: Path | null, read: Read<T>, call: Call): Promise<Answer<T | null>>;
  dispose(): Promise<void>;
}

export interface HttpOptions {
  /** Where the API begins, e.g. `https://api.openai.com/v1`. */
  baseUrl: URL;
  /** Milliseconds from asking to the last byte of the body. */
  timeoutMs: number;
  /** Most sockets at a time. */
  connections: number;
  clock: Clock;
}

interface Received {
  readonly status: number;
  readonly text: string;
  readonly facts: UpstreamErrorFacts;
}

export function createHttp({ baseUrl, timeoutMs, connections, clock }: HttpOptions): Http {
  // undici's timeouts for answers are off: the deadline below covers the whole call. Its requests follow no redirect, so
  // the credential reaches this origin only.
  const pool = new Pool(baseUrl.origin, {
    connections,
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: timeoutMs,
    allowH2: false,
    maxResponseSize: MAX_BODY_BYTES,
  });
  const prefix = baseUrl.pathname.replace(/\/$/, '');

  async function receive(target: string, { credential, signal, onRequest }: Call): Promise<Received> {
    signal.throwIfAborted();
    const ending = new AbortController();
    const ended = Promise.withResolvers<never>();
    ending.signal.addEventListener('abort', () => ended.reject(ending.signal.reason));
    const leave = () => ending.abort(signal.reason);
    signal.addEventListener('abort', leave);
    const cancelDeadline = clock.after(timeoutMs, () =>
      ending.abort(new UpstreamError('UPSTREAM_TIMEOUT', `no whole answer within ${timeoutMs} ms`)),
    );
    try {
      onRequest?.();
      // undici looks at the signal only once it is connected: the race ends a call that does not get that far.
      return await Promise.race([exchange(target, credential, ending.signal), ended.promise]);
    } finally {
      cancelDeadline();
      signal.removeEventListener('abort', leave);
    }
  }

  async function exchange(target: string, credential: Credential, signal: AbortSignal): Promise<Received> {
    let hasBegun = false;
    try {
      const headers = headersOf(credential);
      const response = await pool.request({ method: 'GET', path: prefix + target, headers, signal });
      hasBegun = true;
      if (Number(response.headers['content-length']) > MAX_BODY_BYTES) response.body.destroy(new Error('over the cap'));
      const text = withoutKey(await response.body.text(), credential);
      const facts = factsOf(response.statusCode, response.headers, credential, clock.now());
      return { status: response.statusCode, text, facts };
    } catch (error) {
      throw new UpstreamError(codeOfFailure(error, hasBegun), String(error));
    }
  }

  return {
    async get(path, query, read, call) {
      if (path === null) throw new UpstreamError('UPSTREAM_REJECTED', 'a name that nothing can have');
      const received = await receive(path + search(query), call);
      if (isSuccess(received)) return parse(received, read);
      throw rejectionOf(received);
    },
    async find(path, read, call) {
      if (path === null) return { value: null, size: 0 };
      const received = await receive(path, call);
      if (isSuccess(received)) return parse(received, read);
      if (isAbsence(received)) return { value: null, size: 0 };
      throw rejectionOf(received);
    },
    dispose: () => pool.destroy(),
  };
}

function headersOf({ apiKey, organizationId, projectId }: Credential): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'finetune-gateway',
    authorization: `Bearer ${apiKey}`,
    ...(organizationId !== undefined && { 'openai-organization': organizationId }),
    ...(projectId !== undefined && { 'openai-project': projectId }),
  };
}

function search(query: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null) given.append(name, String(value));
  return given.size === 0 ? '' : `?${given}`;
}

const isSuccess = ({ status }: Received) => status >= 200 && status < 300;
const isAbsence = ({ status, text }: Received) => status === 404 && !isMissingEndpoint(readErrorBody(text));

function parse<T>({ text, facts }: Received, read: Read<T>): Answer<T> {
  try {
    return { value: read(JSON.parse(text), facts), size: text.length };
  } catch (error) {
    throw error instanceof UpstreamError
      ? error
      : new UpstreamError('UPSTREAM_INVALID_RESPONSE', describe(error), facts);
  }
}

// Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays.
function withoutKey(text: string, { apiKey }: Credential): string {
  return apiKey.length < SHORTEST_KEY ? text : text.replaceAll(apiKey, '[credential]');
}

function rejectionOf({ status, text, facts }: Received): UpstreamError {
  const body = readErrorBody(text);
  const code = status === 404 && isMissingEndpoint(body) ? 'UPSTREAM_UNSUPPORTED' : codeOf(status, body.code);
  return new UpstreamError(code, body.message.slice(0, 500), facts);
}

type Headers = Record<string, string | string[] | undefined>;

function factsOf(status: number, headers: Headers, { apiKey }: Credential, now: number): UpstreamErrorFacts {
  const id = headers['x-request-id'];
  return {
    upstreamStatus: status,
    upstreamRequestId: typeof id === 'string' && /^[\w-]{1,128}$/.test(id) && !id.includes(apiKey) ? id : undefined,
    retryAfterSeconds: retryAfterSeconds(headers, now),
  };
}

// Before the first header nobody answered; after it, or when what came is not HTTP, the answer is at fault.
function codeOfFailure(error: unknown, hasBegun: boolean): UpstreamErrorCode {
  const isNoHttp = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
  return hasBegun || isNoHttp ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
}
