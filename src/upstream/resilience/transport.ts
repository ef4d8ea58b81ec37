import type { Readable } from 'node:stream';
import { type Dispatcher, errors, Pool } from 'undici';
import type { Clock } from '../../clock.ts';
import { type Credential, headersOf, type KeyHeader } from '../credentials/credential.ts';
import {
  describeInvalidBody,
  NO_RETRY,
  UpstreamError,
  type UpstreamErrorCode,
  withUnknownOutcome,
} from '../errors/upstream-error.ts';
import { createCallRateLimiter, type Priority } from './call-rate-limiter.ts';
import type { CallResult, ReportResult } from './circuit-breaker.ts';
import { createCredentialPools } from './credential-pool.ts';
import { type Deadline, withinDeadline } from './deadline.ts';
import { onSendInterceptor } from './on-send-interceptor.ts';
import { isRetryAllowed, type RetrySafety, waitBeforeRetry } from './retry.ts';
import { createSendState, type SendState } from './send-state.ts';

/** For whom one request is made, and how it ends early. */
export interface Call {
  readonly credential: Credential;
  /** Ends the request, down to the socket. The promise then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request that is sent. */
  readonly onRequest?: () => void;
  /** A query unless it says otherwise; what changes something is a mutation. */
  readonly priority?: Priority;
}

/** What is sent. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is made for a deadline renews it as it flows, and ends with its signal. */
  readonly body?: string | ((deadline: Deadline) => Readable);
  readonly retrySafety: RetrySafety;
}

export interface TransportOptions {
  /** Where the API begins, e.g. `https://api.openai.com/v1`. Its query goes with every request. */
  baseUrl: URL;
  /** How the key is sent: `Authorization: Bearer`, the default, or Azure's header `api-key`. */
  keyHeader?: KeyHeader | undefined;
  /** Milliseconds from asking to the last byte of the body, all tries and waits included. */
  timeoutMs: number;
  /** Most tries again of a call that fails in a way that may pass. */
  retries: number;
  /** Most sockets at a time for one credential. */
  connections: number;
  /** Most calls a second, whoever asks. */
  maxRps: number;
  clock: Clock;
}

export type Response = Dispatcher.ResponseData;
type Use<T> = (response: Response, deadline: Deadline) => Promise<T>;

/** One try. */
interface Attempt<T> {
  readonly request: Request;
  readonly use: Use<T>;
  readonly call: Call;
  readonly deadline: Deadline;
  readonly sendState: SendState;
  readonly reportResult: ReportResult;
}

/**
 * Sends requests: at a pace, within a deadline, again where that helps, and not at all while the upstream is down. Of all
 * this only the pace is common to all credentials, and they take turns there: what one of them meets, a refusal, an outage
 * or a call that hangs, costs the others nothing.
 */
export interface Transport {
  /** Sends it and makes something of the answer. Rejects with UpstreamError, or the reason of the call's signal. */
  send<T>(request: Request, use: Use<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, keyHeader = 'authorization', timeoutMs, retries, connections, maxRps, clock } = options;
  // undici's timeouts for answers are off: the deadline covers the whole call. Its requests follow no redirect, so the
  // credential reaches this origin only.
  const openPool = () =>
    new Pool(baseUrl.origin, {
      connections,
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: timeoutMs,
      allowH2: false,
    });
  const pools = createCredentialPools(openPool, clock);
  const rateLimiter = createCallRateLimiter(maxRps, clock);

  function request({
    request,
    call,
    deadline,
    sendState,
  }: Omit<Attempt<unknown>, 'use' | 'reportResult'>): Promise<Response> {
    const { method, target: path, headers, body } = request;
    const { pool } = pools.get(call.credential);
    const dispatcher = method === 'GET' ? pool : pool.compose(onSendInterceptor(sendState.markSent));
    return dispatcher.request({
      method,
      path,
      headers: { ...STANDING_HEADERS, ...headersOf(call.credential, keyHeader), ...headers },
      body: typeof body === 'function' ? body(deadline) : (body ?? null),
      signal: deadline.signal,
    });
  }

  /** One request. What goes wrong before `use` is done with the answer becomes an UpstreamError. */
  async function attempt<T>({ use, reportResult, ...asked }: Attempt<T>): Promise<T> {
    let hasBegun = false;
    try {
      asked.call.onRequest?.();
      const response = await request(asked);
      hasBegun = true;
      asked.sendState.recordStatus(response.statusCode);
      reportResult(isOutageStatus(response.statusCode) ? 'down' : 'up');
      return await use(response, asked.deadline);
    } catch (error) {
      throw error instanceof UpstreamError ? error : failureOf(error, hasBegun);
    }
  }

  /** The same; the breaker learns what came of it, however it ends. */
  async function attemptWithBreaker<T>(asked: Attempt<T>): Promise<T> {
    const { reportResult, deadline } = asked;
    // undici may notice much later that a call was ended: a probe must not be waited for until then.
    const end = () => reportResult(callResultOf(deadline.signal.reason));
    deadline.signal.addEventListener('abort', end);
    try {
      return await attempt(asked);
    } catch (error) {
      reportResult(callResultOf(error));
      throw error;
    } finally {
      deadline.signal.removeEventListener('abort', end);
    }
  }

  /** The wait before another try, or null when there is to be none. */
  function waitFor(error: unknown, tries: number, leftMs: number, { request, call, sendState }: Attempt<unknown>) {
    if (!(error instanceof UpstreamError) || tries >= retries) return null;
    const said = { status: error.facts.upstreamStatus, afterMs: error.retry.afterMs, isSent: sendState.isSent };
    const waitMs = isRetryAllowed(request.retrySafety, said)
      ? waitBeforeRetry(error.retry, tries, Math.random())
      : null;
    return waitMs !== null && waitMs < leftMs && pools.get(call.credential).budget.tryWithdraw() ? waitMs : null;
  }

  async function sendWithin<T>(deadline: Deadline, asked: Omit<Attempt<T>, 'deadline' | 'reportResult'>): Promise<T> {
    const until = clock.now() + timeoutMs;
    const { signal } = deadline;
    const { call, sendState } = asked;
    const { name: owner, breaker, budget } = pools.get(call.credential);
    for (let tries = 0; ; tries++) {
      breaker.check(); // Who would be turned away needs no turn.
      const { priority = 'query' } = call;
      await rateLimiter.acquire({ priority, owner, signal, maxWaitMs: until - clock.now() });
      const present = { ...asked, deadline, reportResult: breaker.startCall() };
      if (tries === 0) budget.deposit();
      sendState.startAttempt();
      try {
        return await attemptWithBreaker(present);
      } catch (error) {
        const waitMs = signal.aborted ? null : waitFor(error, tries, until - clock.now(), present);
        if (waitMs === null) throw error;
        await pause(waitMs, clock, signal);
      }
    }
  }

  return {
    async send(request, use, call) {
      const sendState = createSendState();
      const bounds = { timeoutMs, clock, signal: call.signal };
      try {
        return await withinDeadline((deadline) => sendWithin(deadline, { request, use, call, sendState }), bounds);
      } catch (error) {
        const isUnknown = request.retrySafety !== 'always' && sendState.isOutcomeUnknown;
        throw isUnknown && error instanceof UpstreamError ? withUnknownOutcome(error) : error;
      }
    },
    dispose: pools.dispose,
  };
}

// What reads an answer can be wrong itself: that is nobody's fault but ours, and is not to be blamed on the upstream.
function isOurs(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError;
}

const STANDING_HEADERS = { accept: 'application/json', 'user-agent': 'finetune-gateway' };

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
    signal.addEventListener('abort', leave);
  });
}

// 500 is not among these: it is about one request, and an endpoint that is broken must not cost the others.
const isOutageStatus = (status: number) => status > 501;

function callResultOf(error: unknown): CallResult {
  if (!(error instanceof UpstreamError)) return 'unknown'; // Nobody waits any more.
  return error.code === 'UPSTREAM_TIMEOUT' || error.code === 'UPSTREAM_UNAVAILABLE' ? 'down' : 'up';
}

const NO_HTTP = [errors.HTTPParserError, errors.HeadersOverflowError, errors.ResponseContentLengthMismatchError];

// Before the first header nobody answered; after it, or when what came is not HTTP, the answer is at fault.
function failureOf(error: unknown, hasBegun: boolean): Error {
  if (isOurs(error)) return error;
  const isAnswered = hasBegun || NO_HTTP.some((kind) => error instanceof kind);
  const code: UpstreamErrorCode = isAnswered ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  const retry = code === 'UPSTREAM_UNAVAILABLE' ? { isRetryable: true } : NO_RETRY;
  return new UpstreamError(code, describeInvalidBody(error), {}, retry);
}
