import type { Readable } from 'node:stream';
import { type Dispatcher, errors, Pool } from 'undici';
import type { Clock } from '../../clock.ts';
import { type Credential, headersOf, type KeyHeader } from '../credentials/credential.ts';
import {
  describeError,
  NO_RETRY,
  UpstreamError,
  type UpstreamErrorCode,
  withUnknownOutcome,
} from '../errors/upstream-error.ts';
import { createCallRateLimiter, type Priority } from './call-rate-limiter.ts';
import type { CallResult, ReportResult } from './circuit-breaker.ts';
import { createCredentialPools } from './credential-pool.ts';
import { type Deadline, withinDeadline } from './deadline.ts';
import { createOnSendInterceptor } from './on-send-interceptor.ts';
import { isRetryAllowed, type RetrySafety, waitBeforeRetry } from './retry.ts';
import { createSendState, type SendState } from './send-state.ts';

/** The credential, cancellation and priority of one call. */
export interface Call {
  readonly credential: Credential;
  /** Aborts the request and closes its socket. The call then rejects with the reason of the signal. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request, retries included. */
  readonly onRequest?: () => void;
  /** `query` by default. Calls that change something are mutations. */
  readonly priority?: Priority;
}

/** One HTTP request. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is created for each attempt: it restarts the deadline as it flows, and ends when its signal is aborted. */
  readonly body?: string | ((deadline: Deadline) => Readable);
  readonly retrySafety: RetrySafety;
}

export interface TransportOptions {
  /** The base URL of the API, such as `https://api.openai.com/v1`. Its query is added to every request. */
  baseUrl: URL;
  /** The header of the key: `Authorization: Bearer` by default, or Azure's `api-key`. */
  keyHeader?: KeyHeader | undefined;
  /** Milliseconds from the call to the last byte of the body, including all retries and waits. */
  timeoutMs: number;
  /** Maximum retries of a failed call. All retries share `timeoutMs`. */
  retries: number;
  /** Maximum open sockets per credential. */
  connections: number;
  /** Maximum calls per second of all credentials together. */
  maxRps: number;
  clock: Clock;
}

export type Response = Dispatcher.ResponseData;
type Use<T> = (response: Response, deadline: Deadline) => Promise<T>;

/** One attempt to send a request. */
interface Attempt<T> {
  readonly request: Request;
  readonly use: Use<T>;
  readonly call: Call;
  readonly deadline: Deadline;
  readonly sendState: SendState;
  readonly reportResult: ReportResult;
}

/** The part of an attempt that sends the request. */
type Sending = Omit<Attempt<unknown>, 'use' | 'reportResult'>;

/**
 * Sends requests through the rate limiter, the circuit breaker, the deadline and the retries. Credentials share only the
 * rate limiter, where they take turns: failures, outages and hanging calls of one credential do not affect another.
 */
export interface Transport {
  /** Sends a request and passes the response to `use`. Rejects with UpstreamError, or the reason of the call's signal. */
  send<T>(request: Request, use: Use<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, keyHeader = 'authorization', timeoutMs, retries, connections, maxRps, clock } = options;
  // undici's response timeouts are off: the deadline covers the whole call. undici does not follow redirects, so the
  // credential reaches only this origin.
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

  function sendRequest({ request, call, deadline, sendState }: Sending): Promise<Response> {
    const { method, target: path, headers, body } = request;
    const { pool } = pools.get(call.credential);
    const dispatcher = method === 'GET' ? pool : pool.compose(createOnSendInterceptor(sendState.markSent));
    return dispatcher.request({
      method,
      path,
      headers: { ...COMMON_HEADERS, ...headersOf(call.credential, keyHeader), ...headers },
      body: typeof body === 'function' ? body(deadline) : (body ?? null),
      signal: deadline.signal,
    });
  }

  /** Sends the request once. Any error before `use` has read the response becomes an UpstreamError. */
  async function attemptOnce<T>({ use, reportResult, ...sending }: Attempt<T>): Promise<T> {
    let hasResponse = false;
    try {
      sending.call.onRequest?.();
      const response = await sendRequest(sending);
      hasResponse = true;
      sending.sendState.recordStatus(response.statusCode);
      reportResult(isOutageStatus(response.statusCode) ? 'down' : 'up');
      return await use(response, sending.deadline);
    } catch (error) {
      throw error instanceof UpstreamError ? error : toTransportError(error, hasResponse);
    }
  }

  /** Sends the request once, and reports its result to the circuit breaker. */
  async function attemptWithBreaker<T>(attempt: Attempt<T>): Promise<T> {
    const { reportResult, deadline } = attempt;
    // undici may notice an abort much later. An aborted probe must report at once.
    const onAbort = () => reportResult(callResultOf(deadline.signal.reason));
    deadline.signal.addEventListener('abort', onAbort);
    try {
      return await attemptOnce(attempt);
    } catch (error) {
      reportResult(callResultOf(error));
      throw error;
    } finally {
      deadline.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Milliseconds until the next retry, or null when none is allowed. `retryCount` is the number of retries before this one. */
  function retryWait(
    error: unknown,
    retryCount: number,
    leftMs: number,
    { request, call, sendState }: Attempt<unknown>,
  ) {
    if (!(error instanceof UpstreamError) || retryCount >= retries) return null;
    const failure = { status: error.facts.upstreamStatus, afterMs: error.retry.afterMs, isSent: sendState.isSent };
    const waitMs = isRetryAllowed(request.retrySafety, failure)
      ? waitBeforeRetry(error.retry, retryCount, Math.random())
      : null;
    return waitMs !== null && waitMs < leftMs && pools.get(call.credential).budget.tryWithdraw() ? waitMs : null;
  }

  async function sendWithin<T>(deadline: Deadline, work: Omit<Attempt<T>, 'deadline' | 'reportResult'>): Promise<T> {
    const until = clock.now() + timeoutMs;
    const { signal } = deadline;
    const { call, sendState } = work;
    const { name: owner, breaker, budget } = pools.get(call.credential);
    for (let retryCount = 0; ; retryCount++) {
      breaker.check(); // Before the rate limiter: a call that is rejected must not take a token.
      const { priority = 'query' } = call;
      await rateLimiter.acquire({ priority, owner, signal, maxWaitMs: until - clock.now() });
      const attempt = { ...work, deadline, reportResult: breaker.startCall() };
      if (retryCount === 0) budget.deposit();
      sendState.startAttempt();
      try {
        return await attemptWithBreaker(attempt);
      } catch (error) {
        const waitMs = signal.aborted ? null : retryWait(error, retryCount, until - clock.now(), attempt);
        if (waitMs === null) throw error;
        await sleep(waitMs, clock, signal);
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

// A bug in the code that reads a response. It must not count as a failure of the upstream.
function isProgramError(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError;
}

const COMMON_HEADERS = { accept: 'application/json', 'user-agent': 'finetune-gateway' };

function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancelTimer();
      reject(signal.reason);
    };
    const cancelTimer = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort);
  });
}

// Without 500: it concerns one request, and one broken endpoint must not block the others.
const isOutageStatus = (status: number) => status > 501;

function callResultOf(error: unknown): CallResult {
  if (!(error instanceof UpstreamError)) return 'unknown'; // The caller has aborted.
  return error.code === 'UPSTREAM_TIMEOUT' || error.code === 'UPSTREAM_UNAVAILABLE' ? 'down' : 'up';
}

const INVALID_HTTP = [errors.HTTPParserError, errors.HeadersOverflowError, errors.ResponseContentLengthMismatchError];

// Without a response the upstream is unavailable. With one, or with bytes that are not HTTP, the response is invalid.
function toTransportError(error: unknown, hasResponse: boolean): Error {
  if (isProgramError(error)) return error;
  const isInvalid = hasResponse || INVALID_HTTP.some((kind) => error instanceof kind);
  const code: UpstreamErrorCode = isInvalid ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  const retry = isInvalid ? NO_RETRY : { isRetryable: true };
  return new UpstreamError(code, describeError(error), {}, retry);
}
