import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type Clock, sleep } from '../../clock.ts';
import { type Credential, headersOf, type KeyHeader } from '../credentials/credential.ts';
import { createVerifiedCredentials } from '../credentials/verified-credentials.ts';
import { UpstreamError, withUnknownOutcome } from '../errors/upstream-error.ts';
import type { CallClaims } from './call-claims.ts';
import { createCallGate, isPatient } from './call-gate.ts';
import type { ReportResult } from './circuit-breaker.ts';
import { createCredentialPools } from './credential-pool.ts';
import { type Deadline, withinDeadline } from './deadline.ts';
import { createOnSendInterceptor } from './on-send-interceptor.ts';
import { isRetryAllowed, type RetrySafety, waitBeforeRetry } from './retry.ts';
import { createSendState, type SendState } from './send-state.ts';
import { callResultOf, isOutageStatus, toTransportError } from './transport-error.ts';
import { Pool } from './undici.ts';

/** The credential, cancellation and priority of one call. */
export interface Call {
  readonly credential: Credential;
  /** Aborts the request and closes its socket. The call then rejects with the reason of the signal. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request, retries included. */
  readonly onRequest?: () => void;
  /** The callers that wait for the response. By default, the credential owns the turn. */
  readonly claims?: CallClaims;
  /** Set for calls that change something. By default, the priority of the claims. */
  readonly priority?: 'mutation';
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
  /** Maximum open sockets per credential. One caller uses at most three quarters of them; subscriptions, half of them. */
  connections: number;
  /** Whether callers bring the credentials, so that a client can invent any number of them. */
  isPassthrough?: boolean;
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

/** The end of the time of a call with all its retries. */
interface Until {
  at: number;
}

/**
 * Sends requests through the rate limiter, the circuit breaker, the deadline and the retries. Credentials share only the
 * rate limiter, where callers take turns: failures, outages and hanging calls of one credential do not affect another. All
 * credentials that the upstream has not accepted yet share a few calls, and the turns that the others leave.
 */
export interface Transport {
  /** Sends a request and passes the response to `use`. Rejects with UpstreamError, or the reason of the call's signal. */
  send<T>(request: Request, use: Use<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, keyHeader = 'authorization', timeoutMs, retries, connections, maxRps, clock } = options;
  const { isPassthrough = false } = options;
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
  const verifiedPools = createCredentialPools(openPool, connections, clock);
  const unverifiedPools = createCredentialPools(openPool, connections, clock, MAX_UNVERIFIED_POOLS);
  const verified = createVerifiedCredentials();
  const isVerified = (credential: Credential) => !isPassthrough || verified.has(credential);
  const poolOf = (credential: Credential) => (isVerified(credential) ? verifiedPools : unverifiedPools).get(credential);
  const gate = createCallGate(maxRps, clock);

  function sendRequest({ request, call, deadline, sendState }: Sending): Promise<Response> {
    const { method, target: path, headers, body } = request;
    const { pool } = poolOf(call.credential);
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
      if (isPassthrough) verified.recordStatus(sending.call.credential, response.statusCode);
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
  function retryWait(error: unknown, retryCount: number, leftMs: number, { request, call, sendState }: Sending) {
    if (!(error instanceof UpstreamError) || retryCount >= retries) return null;
    const failure = { status: error.facts.upstreamStatus, afterMs: error.retry.afterMs, isSent: sendState.isSent };
    const waitMs = isRetryAllowed(request.retrySafety, failure)
      ? waitBeforeRetry(error.retry, retryCount, Math.random())
      : null;
    return waitMs !== null && waitMs < leftMs && poolOf(call.credential).budget.tryWithdraw() ? waitMs : null;
  }

  /** Waits for the turn of the call, and sends the request once. */
  async function attemptInTurn<T>(work: Omit<Attempt<T>, 'reportResult'>, until: Until, isFirst: boolean): Promise<T> {
    const { call, deadline, sendState } = work;
    const { name: credentialName, permits, breaker, budget } = poolOf(call.credential);
    breaker.check(); // Before the rate limiter: a call that is rejected must not take a token.
    const release = await gate.enter(
      call,
      { credentialName, permits, isVerified: isVerified(call.credential) },
      {
        deadline,
        maxWaitMs: until.at - clock.now(),
      },
    );
    if (isPatient(call)) until.at = clock.now() + timeoutMs;
    try {
      const reportResult = breaker.startCall();
      if (isFirst) budget.deposit();
      sendState.startAttempt();
      return await attemptWithBreaker({ ...work, reportResult });
    } finally {
      release();
    }
  }

  async function sendWithin<T>(work: Omit<Attempt<T>, 'reportResult'>): Promise<T> {
    const until = { at: clock.now() + timeoutMs };
    const { signal } = work.deadline;
    for (let retryCount = 0; ; retryCount++) {
      try {
        return await attemptInTurn(work, until, retryCount === 0);
      } catch (error) {
        const waitMs = signal.aborted ? null : retryWait(error, retryCount, until.at - clock.now(), work);
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
        return await withinDeadline((deadline) => sendWithin({ request, use, call, deadline, sendState }), bounds);
      } catch (error) {
        const isUnknown = request.retrySafety !== 'always' && sendState.isOutcomeUnknown;
        throw isUnknown && error instanceof UpstreamError ? withUnknownOutcome(error) : error;
      }
    },
    dispose: async () => void (await Promise.all([verifiedPools.dispose(), unverifiedPools.dispose()])),
  };
}

/** Maximum pools of credentials that the upstream has not accepted yet. They must not evict those of others. */
const MAX_UNVERIFIED_POOLS = 100;

const COMMON_HEADERS = { accept: 'application/json', 'user-agent': 'finetune-gateway' };
