import { type Dispatcher, errors, Pool } from 'undici';
import type { Clock } from '../clock.ts';
import { createBreaker } from './breaker.ts';
import { createRetryBudget } from './budget.ts';
import { type Credential, headersOf, type KeyHeader } from './credential.ts';
import { withinDeadline } from './deadline.ts';
import { describe, UpstreamError, type UpstreamErrorCode } from './errors.ts';
import { createPace, type Priority } from './pace.ts';
import { NO_RETRY, waitBeforeRetry } from './retry.ts';

/** For whom one request is made, and how it ends early. */
export interface Call {
  readonly credential: Credential;
  /** Ends the request, down to the socket. The promise then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called for each HTTP request that is sent. */
  readonly onRequest?: () => void;
  /** A query unless it says otherwise. */
  readonly priority?: Priority;
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
  /** Most sockets at a time. */
  connections: number;
  /** Most calls a second, whoever asks. */
  maxRps: number;
  clock: Clock;
}

export type Response = Dispatcher.ResponseData;

/** Sends requests: at a pace, within a deadline, again where that helps, and not at all while the upstream is down. */
export interface Transport {
  /** GETs a target and makes something of the answer. Rejects with UpstreamError, or the reason of the call's signal. */
  get<T>(target: string, use: (response: Response) => Promise<T>, call: Call): Promise<T>;
  dispose(): Promise<void>;
}

export function createTransport(options: TransportOptions): Transport {
  const { baseUrl, keyHeader = 'authorization', timeoutMs, retries, connections, maxRps, clock } = options;
  // undici's timeouts for answers are off: the deadline covers the whole call. Its requests follow no redirect, so the
  // credential reaches this origin only.
  const pool = new Pool(baseUrl.origin, {
    connections,
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: timeoutMs,
    allowH2: false,
  });
  const pace = createPace(maxRps, clock);
  const breaker = createBreaker(clock);
  const budget = createRetryBudget();

  /** One request. What goes wrong before `use` is done with the answer becomes an UpstreamError. */
  async function attempt<T>(target: string, use: (response: Response) => Promise<T>, call: Call): Promise<T> {
    let hasBegun = false;
    try {
      call.onRequest?.();
      const headers = { ...STANDING_HEADERS, ...headersOf(call.credential, keyHeader) };
      const response = await pool.request({ method: 'GET', path: target, headers, signal: call.signal });
      hasBegun = true;
      return await use(response);
    } catch (error) {
      throw error instanceof UpstreamError ? error : failureOf(error, hasBegun);
    }
  }

  /** The same, told to the breaker. */
  async function watched<T>(target: string, use: (response: Response) => Promise<T>, call: Call): Promise<T> {
    breaker.admit();
    try {
      const value = await attempt(target, use, call);
      breaker.isUp();
      return value;
    } catch (error) {
      if (call.signal.aborted) noteEnd(call.signal.reason);
      else if (error instanceof UpstreamError && error.code === 'UPSTREAM_UNAVAILABLE') breaker.isDown();
      else breaker.isUp();
      throw error;
    }
  }

  function noteEnd(reason: unknown) {
    if (reason instanceof UpstreamError && reason.code === 'UPSTREAM_TIMEOUT') breaker.isDown();
    else breaker.knowsNothing();
  }

  /** The wait before another try, or null when there is to be none. */
  function waitFor(error: unknown, tries: number, leftMs: number): number | null {
    if (!(error instanceof UpstreamError) || tries >= retries) return null;
    const waitMs = waitBeforeRetry(error.retry, tries, Math.random());
    return waitMs !== null && waitMs < leftMs && budget.spend() ? waitMs : null;
  }

  return {
    get(target, use, call) {
      const until = clock.now() + timeoutMs;
      budget.earn();
      return withinDeadline(
        async (signal) => {
          for (let tries = 0; ; tries++) {
            await pace.turn(call.priority ?? 'query', signal, until - clock.now());
            try {
              return await watched(target, use, { ...call, signal });
            } catch (error) {
              const waitMs = signal.aborted ? null : waitFor(error, tries, until - clock.now());
              if (waitMs === null) throw error;
              await pause(waitMs, clock, signal);
            }
          }
        },
        { timeoutMs, clock, signal: call.signal },
      );
    },
    dispose: () => pool.destroy(),
  };
}

const STANDING_HEADERS = { accept: 'application/json', 'user-agent': 'finetune-gateway' };

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    signal.addEventListener('abort', () => {
      cancel();
      reject(signal.reason);
    });
  });
}

// Before the first header nobody answered; after it, or when what came is not HTTP, the answer is at fault.
function failureOf(error: unknown, hasBegun: boolean): UpstreamError {
  const isNoHttp = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
  const code: UpstreamErrorCode = hasBegun || isNoHttp ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  const retry = code === 'UPSTREAM_UNAVAILABLE' ? { isWorthwhile: true } : NO_RETRY;
  return new UpstreamError(code, describe(error), {}, retry);
}
