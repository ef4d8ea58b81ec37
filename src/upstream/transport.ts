import { type Dispatcher, errors, Pool } from 'undici';
import type { Clock } from '../clock.ts';
import type { Finding, Report } from './breaker.ts';
import type { RetryBudget } from './budget.ts';
import { type Credential, headersOf, type KeyHeader } from './credential.ts';
import { withinDeadline } from './deadline.ts';
import { describe, UpstreamError, type UpstreamErrorCode } from './errors.ts';
import { createLanes } from './lane.ts';
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
  /** Most sockets at a time for one credential. */
  connections: number;
  /** Most calls a second, whoever asks. */
  maxRps: number;
  clock: Clock;
}

export type Response = Dispatcher.ResponseData;

/**
 * Sends requests: at a pace, within a deadline, again where that helps, and not at all while the upstream is down. Of all
 * this only the pace is common to all credentials, and they take turns there: what one of them meets, a refusal, an outage
 * or a call that hangs, costs the others nothing.
 */
export interface Transport {
  /** GETs a target and makes something of the answer. Rejects with UpstreamError, or the reason of the call's signal. */
  get<T>(target: string, use: (response: Response) => Promise<T>, call: Call): Promise<T>;
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
  const lanes = createLanes(openPool, clock);
  const pace = createPace(maxRps, clock);

  /** One request. What goes wrong before `use` is done with the answer becomes an UpstreamError. */
  async function attempt<T>(target: string, use: (response: Response) => Promise<T>, call: Call, report: Report) {
    let hasBegun = false;
    try {
      call.onRequest?.();
      const headers = { ...STANDING_HEADERS, ...headersOf(call.credential, keyHeader) };
      const response = await lanes
        .of(call.credential)
        .pool.request({ method: 'GET', path: target, headers, signal: call.signal });
      hasBegun = true;
      report(isOutOfOrder(response.statusCode) ? 'down' : 'up');
      return await use(response);
    } catch (error) {
      throw error instanceof UpstreamError ? error : failureOf(error, hasBegun);
    }
  }

  /** The same; the breaker learns what came of it, however it ends. */
  async function watched<T>(target: string, use: (response: Response) => Promise<T>, call: Call, report: Report) {
    // undici may notice much later that a call was ended: a probe must not be waited for until then.
    const end = () => report(findingOf(call.signal.reason));
    call.signal.addEventListener('abort', end);
    try {
      return await attempt(target, use, call, report);
    } catch (error) {
      report(findingOf(error));
      throw error;
    } finally {
      call.signal.removeEventListener('abort', end);
    }
  }

  /** The wait before another try, or null when there is to be none. */
  function waitFor(error: unknown, tries: number, leftMs: number, budget: RetryBudget): number | null {
    if (!(error instanceof UpstreamError) || tries >= retries) return null;
    const waitMs = waitBeforeRetry(error.retry, tries, Math.random());
    return waitMs !== null && waitMs < leftMs && budget.spend() ? waitMs : null;
  }

  return {
    get(target, use, call) {
      const until = clock.now() + timeoutMs;
      const { name: owner, breaker, budget } = lanes.of(call.credential);
      return withinDeadline(
        async (signal) => {
          for (let tries = 0; ; tries++) {
            breaker.check(); // Who would be turned away needs no turn.
            const { priority = 'query' } = call;
            await pace.turn({ priority, owner, signal, patienceMs: until - clock.now() });
            const report = breaker.admit();
            if (tries === 0) budget.earn();
            try {
              return await watched(target, use, { ...call, signal }, report);
            } catch (error) {
              const waitMs = signal.aborted ? null : waitFor(error, tries, until - clock.now(), budget);
              if (waitMs === null) throw error;
              await pause(waitMs, clock, signal);
            }
          }
        },
        { timeoutMs, clock, signal: call.signal },
      );
    },
    dispose: lanes.dispose,
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
const isOutOfOrder = (status: number) => status > 501;

function findingOf(error: unknown): Finding {
  if (!(error instanceof UpstreamError)) return 'unknown'; // Nobody waits any more.
  return error.code === 'UPSTREAM_TIMEOUT' || error.code === 'UPSTREAM_UNAVAILABLE' ? 'down' : 'up';
}

const NO_HTTP = [errors.HTTPParserError, errors.HeadersOverflowError, errors.ResponseContentLengthMismatchError];

// Before the first header nobody answered; after it, or when what came is not HTTP, the answer is at fault.
function failureOf(error: unknown, hasBegun: boolean): Error {
  if (isOurs(error)) return error;
  const isAnswered = hasBegun || NO_HTTP.some((kind) => error instanceof kind);
  const code: UpstreamErrorCode = isAnswered ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  const retry = code === 'UPSTREAM_UNAVAILABLE' ? { isWorthwhile: true } : NO_RETRY;
  return new UpstreamError(code, describe(error), {}, retry);
}
