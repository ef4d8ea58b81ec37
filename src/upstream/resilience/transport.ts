import { type Clock, sleep } from '../../clock.ts';
import { DIRECT, type Network } from '../../network/network.ts';
import { createMemoryBudget } from '../../state/memory/upstream-budget.ts';
import type { UpstreamBudget } from '../../state/upstream-budget.ts';
import { callRetried } from '../../telemetry/events.ts';
import type { Credential, KeyHeader } from '../credentials/credential.ts';
import { createVerifiedCredentials } from '../credentials/verified-credentials.ts';
import { UpstreamError, type UpstreamErrorFacts, withUnknownOutcome } from '../errors/upstream-error.ts';
import { Attempt, type Exchange, type Request, type Work } from './attempt.ts';
import type { CallClaims } from './call-claims.ts';
import { createCallGate } from './call-gate.ts';
import { createCredentialPools } from './credential-pool.ts';
import { type Abortable, CallDeadline } from './deadline.ts';
import { observeCall, observeWait } from './observed-call.ts';
import { isRetryAllowed, waitBeforeRetry } from './retry.ts';
import { createSendState } from './send-state.ts';

/**
 * The credential, cancellation and claims of one call. An abort ends the request and closes its socket. The call then rejects
 * with the reason of the abort.
 */
export interface Call extends Abortable {
  readonly credential: Credential;
  /** Called for each HTTP request, retries included. */
  onRequest?(): void;
  /** Called with each whole response to a call that reads no stream. */
  onResponse?(facts: UpstreamErrorFacts): void;
  /** The callers that wait for the response. By default, the credential owns the turn. */
  readonly claims?: CallClaims;
}

/** Returns the call with these members. A call can be an object of a class, which cannot be spread. */
export function callWith(changes: Partial<Pick<Call, 'credential' | 'signal'>>, call: Call): Call {
  const { credential, signal, claims } = call;
  return {
    credential,
    signal,
    ...(claims && { claims }),
    onRequest: () => call.onRequest?.(),
    onResponse: (facts) => call.onResponse?.(facts),
    ...changes,
  };
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
  /** Called with the status of each response to a call with the gateway's own credential. */
  onStatus?: (credential: Credential, status: number) => void;
  /** Maximum calls per second of all credentials together. */
  maxRps: number;
  /** The calls that may be made, with those of other replicas. By default, this process is the only one. */
  budget?: UpstreamBudget;
  /** By default without proxies. */
  network?: Network;
  clock: Clock;
}

/** Reads a response, or throws. */
type Use<R, T> = (response: R) => T;

/**
 * Sends requests through the rate limiter, the circuit breaker, the deadline and the retries. Credentials share only the
 * rate limiter, where callers take turns: failures, outages and hanging calls of one credential do not affect another. All
 * credentials that the upstream has not accepted yet share a few calls, and the turns that the others leave.
 */
export interface Transport {
  /**
   * Sends a request by `exchange` and passes the response to `use`. A call that may be made at once is dispatched before
   * `send` returns. Rejects with UpstreamError, or the reason of the call's abort.
   */
  send<R, T>(request: Request, exchange: Exchange<R>, use: Use<R, T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createTransport(options: TransportOptions): Transport {
  const {
    timeoutMs,
    retries,
    connections,
    maxRps,
    clock,
    baseUrl,
    network = DIRECT,
    keyHeader = 'authorization',
    isPassthrough = false,
    budget = createMemoryBudget(clock),
  } = options;
  const openPool = () => network.openPool(baseUrl, { connections, connectTimeout: timeoutMs });
  const poolOptions = { openPool, connections, clock, keyHeader };
  const verifiedPools = createCredentialPools(poolOptions);
  const unverifiedPools = createCredentialPools({ ...poolOptions, isVerified: false, maxPools: MAX_UNVERIFIED_POOLS });
  const verified = createVerifiedCredentials();
  const onStatus = isPassthrough ? verified.recordStatus : (options.onStatus ?? null);
  const gate = createCallGate(maxRps, clock, budget);

  const isVerified = (credential: Credential) => !isPassthrough || verified.has(credential);
  const poolOf = (credential: Credential) => (isVerified(credential) ? verifiedPools : unverifiedPools).get(credential);

  /** Waits for the turn of the call, and sends the request once. */
  async function sendOnce<R, T>(work: Work, exchange: Exchange<R>, use: Use<R, T>, call: Call, retryCount: number) {
    const { request, deadline } = work;
    const credential = poolOf(call.credential);
    credential.breaker.check(); // Before the rate limiter: a call that is rejected must not take a token.
    const entered = gate.enter({ claims: call.claims, isMutation: request.method !== 'GET', credential, deadline });
    const release = typeof entered === 'function' ? entered : await observeWait(entered, clock);
    const account = credential.isEvicted ? poolOf(call.credential) : credential; // Evicted during the wait: its pool is closed.
    const attempt = new Attempt(work, account, release);
    try {
      attempt.start(() => observeCall(request, call.claims, retryCount, clock), call.claims?.trace ?? null);
      if (retryCount === 0) account.budget.deposit();
      call.onRequest?.();
      const result = use(await exchange(attempt));
      attempt.succeed();
      return result;
    } catch (error) {
      const failure = attempt.fail(error);
      gate.recordFailure(failure, account.name, request.method !== 'GET');
      throw failure;
    }
  }

  /** Milliseconds until the next retry, or null when none is allowed. `retryCount` is the number of retries before this one. */
  function retryWait(error: unknown, retryCount: number, { request, credential, deadline, sendState }: Work) {
    if (!(error instanceof UpstreamError) || deadline.aborted !== null || retryCount >= retries) return null;
    const { facts, retry } = error;
    const failure = { status: facts.upstreamStatus, afterMs: retry.afterMs, isSent: sendState?.isSent ?? true };
    if (!isRetryAllowed(request.retrySafety, failure)) return null;
    const waitMs = waitBeforeRetry(retry, retryCount, Math.random());
    return waitMs !== null && waitMs < deadline.leftMs && poolOf(credential).budget.tryWithdraw() ? waitMs : null;
  }

  /** Waits until the next attempt. Throws the error when none is allowed. */
  async function waitForRetry(error: unknown, retryCount: number, work: Work): Promise<void> {
    const waitMs = retryWait(error, retryCount, work);
    if (waitMs === null) throw error;
    if (error instanceof UpstreamError) reportRetry(work.request, error, waitMs);
    await sleep(waitMs, clock, work.deadline.signal);
  }

  return {
    async send(request, exchange, use, call) {
      const { credential } = call;
      const deadline = new CallDeadline(timeoutMs, clock, call);
      const sendState = request.retrySafety === 'always' ? null : createSendState();
      const work = { request, credential, deadline, sendState, onStatus };
      try {
        for (let retryCount = 0; ; retryCount++) {
          try {
            return await sendOnce(work, exchange, use, call, retryCount);
          } catch (error) {
            await waitForRetry(error, retryCount, work);
          }
        }
      } catch (error) {
        throw sendState?.isOutcomeUnknown && error instanceof UpstreamError ? withUnknownOutcome(error) : error;
      } finally {
        deadline.end();
      }
    },
    dispose: async () => void (await Promise.all([verifiedPools.dispose(), unverifiedPools.dispose()])),
  };
}

function reportRetry({ path }: Request, { code, facts }: UpstreamError, waitMs: number): void {
  if (!callRetried.hasSubscribers) return;
  const { upstreamStatus, upstreamRequestId } = facts;
  callRetried.publish({ route: path.template, errorCode: code, waitMs, upstreamStatus, upstreamRequestId });
}

/** Maximum pools of credentials that the upstream has not accepted yet. They must not evict those of others. */
const MAX_UNVERIFIED_POOLS = 100;
