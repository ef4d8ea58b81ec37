import { type Dispatcher, errors, Pool } from 'undici';
import type { Clock } from '../clock.ts';
import { readText } from './body.ts';
import { withinDeadline } from './deadline.ts';
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

/** Fewest characters of a secret; servers that need none are given any text, which must not be cut out of others. */
export const SHORTEST_KEY = 8;
/** What stands in the place of a key. */
const CUT_OUT = '[credential]';

/** On whose behalf the upstream is called. */
export interface Credential {
  readonly apiKey: string;
  readonly organizationId?: string | undefined;
  readonly projectId?: string | undefined;
}

/** Where a key is sent: with the word `Bearer` in front, or bare in Azure's own header. */
export type KeyHeader = 'authorization' | 'api-key';

/** For whom one request is made, and how it ends early. */
export interface Call {
  readonly credential: Credential;
  /** Ends the request, down to the socket. The promise then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request that is sent. */
  readonly onRequest?: () => void;
}

/** Makes something of a body, or throws; `facts` are for errors about parts of it. */
type Read<T> = (body: unknown, facts: UpstreamErrorFacts) => T;
export type Query = Readonly<Record<string, string | number | null>>;

/** The only part that talks to the upstream. Every method throws UpstreamError, or the reason of the call's signal. */
export interface Http {
  get<T>(path: Path | null, query: Query, read: Read<T>, call: Call): Promise<T>;
  /** As `get`, for one object: null when there is none, or when the path can name none (then without a request). */
  find<T>(path: Path | null, read: Read<T>, call: Call): Promise<T | null>;
  /** As `find`, for bytes of any number: `read` takes them as they come, and what it leaves is not fetched. */
  stream<T>(path: Path | null, read: (chunks: AsyncIterable<Uint8Array>) => Promise<T>, call: Call): Promise<T | null>;
  dispose(): Promise<void>;
}

export interface HttpOptions {
  /** Where the API begins, e.g. `https://api.openai.com/v1`. Its query goes with every request. */
  baseUrl: URL;
  /** How the key is sent: `Authorization: Bearer`, the default, or Azure's header `api-key`. */
  keyHeader?: KeyHeader | undefined;
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

type Response = Dispatcher.ResponseData;

export function createHttp({ baseUrl, keyHeader = 'authorization', timeoutMs, connections, clock }: HttpOptions): Http {
  // undici's timeouts for answers are off: the deadline covers the whole call. Its requests follow no redirect, so the
  // credential reaches this origin only.
  const pool = new Pool(baseUrl.origin, {
    connections,
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: timeoutMs,
    allowH2: false,
  });
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  const standing = Object.fromEntries(baseUrl.searchParams);

  /** One request. What goes wrong before `use` is done with the answer becomes an UpstreamError. */
  async function request<T>(
    path: Path,
    query: Query,
    use: (response: Response) => Promise<T>,
    { credential, signal, onRequest }: Call,
  ): Promise<T> {
    return withinDeadline(
      async (ending) => {
        let hasBegun = false;
        try {
          onRequest?.();
          const target = prefix + path + search({ ...query, ...standing });
          const headers = headersOf(credential, keyHeader);
          const response = await pool.request({ method: 'GET', path: target, headers, signal: ending });
          hasBegun = true;
          return await use(response);
        } catch (error) {
          throw error instanceof UpstreamError
            ? error
            : new UpstreamError(codeOfFailure(error, hasBegun), describe(error));
        }
      },
      { timeoutMs, clock, signal },
    );
  }

  async function receive({ statusCode, headers, body }: Response, credential: Credential): Promise<Received> {
    const text = withoutKey(await readText(body, headers['content-length']), credential);
    return { status: statusCode, text, facts: factsOf(statusCode, headers, credential, clock.now()) };
  }

  return {
    async get(path, query, read, call) {
      if (path === null) throw new UpstreamError('UPSTREAM_REJECTED', 'a name that nothing can have');
      const received = await request(path, query, (response) => receive(response, call.credential), call);
      if (isSuccess(received.status)) return parse(received, read);
      throw rejectionOf(received);
    },
    async find(path, read, call) {
      if (path === null) return null;
      const received = await request(path, {}, (response) => receive(response, call.credential), call);
      return isSuccess(received.status) ? parse(received, read) : nullIfAbsent(received);
    },
    async stream(path, read, call) {
      if (path === null) return null;
      const use = async (response: Response) => {
        if (!isSuccess(response.statusCode)) return nullIfAbsent(await receive(response, call.credential));
        response.body.on('error', () => {}); // Whoever reads is told; what is left unread may end as it likes.
        try {
          return await read(response.body);
        } finally {
          response.body.destroy();
        }
      };
      return await request(path, {}, use, call);
    },
    dispose: () => pool.destroy(),
  };
}

function headersOf({ apiKey, organizationId, projectId }: Credential, keyHeader: KeyHeader): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'finetune-gateway',
    [keyHeader]: keyHeader === 'api-key' ? apiKey : `Bearer ${apiKey}`,
    ...(organizationId !== undefined && { 'openai-organization': organizationId }),
    ...(projectId !== undefined && { 'openai-project': projectId }),
  };
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

/** Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays. */
export function withoutKey(text: string, { apiKey }: Credential): string {
  return apiKey.length < SHORTEST_KEY ? text : text.replaceAll(apiKey, CUT_OUT);
}

/** As `withoutKey`, for a text that was cut off: its end may be most of a key, which is nearly as good as all of it. */
export function withoutKeyToTheEnd(text: string, credential: Credential): string {
  const clean = withoutKey(text, credential);
  const { apiKey } = credential;
  for (let length = apiKey.length - 1; length >= SHORTEST_KEY; length--) {
    if (clean.endsWith(apiKey.slice(0, length))) return clean.slice(0, -length) + CUT_OUT;
  }
  return clean;
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
