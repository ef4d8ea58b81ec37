import type { Readable } from 'node:stream';
import { ProxyError } from '../../network/proxy-error.ts';
import type { OutgoingPool } from '../../network/undici.ts';
import type { TraceContext } from '../../telemetry/trace-context.ts';
import type { Credential } from '../credentials/credential.ts';
import { upstreamRequestIdOf } from '../credentials/request-id.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import type { CallResult, ReportResult } from './circuit-breaker.ts';
import type { CredentialPool } from './credential-pool.ts';
import type { CallDeadline, Deadline } from './deadline.ts';
import { type ObservedCall, reportRefusal, traceHeaders } from './observed-call.ts';
import type { RetrySafety } from './retry.ts';
import type { SendState } from './send-state.ts';
import { callResultOf, isOutageStatus, toTransportError } from './transport-error.ts';

/** One HTTP request. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The path below the base URL: its template is a label of metrics. */
  readonly path: { readonly template: string };
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is created for each attempt: it restarts the deadline as it flows, and ends when its signal is aborted. */
  readonly body?: string | ((deadline: Deadline) => Readable);
  readonly retrySafety: RetrySafety;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** A call with all its attempts. */
export interface Work {
  readonly request: Request;
  readonly credential: Credential;
  readonly deadline: CallDeadline;
  /** Null for a request that changes nothing. */
  readonly sendState: SendState | null;
  /** Called with the status of each response; null when it has no use. */
  readonly onStatus: ((credential: Credential, status: number) => void) | null;
}

/**
 * Sends the request of an attempt. Must call `close` once the attempt holds its connection no more, which can be later than
 * the promise settles.
 */
export type Exchange<R> = (attempt: Attempt) => Promise<R>;

/** One attempt to send a request. A class, because there is one per HTTP request. */
export class Attempt {
  readonly work: Work;
  readonly #account: CredentialPool;
  readonly #releasePermit: () => void;
  #report: ReportResult = ignoreResult;
  #observed: ObservedCall | null = null;
  #trace: TraceContext | null = null;
  #hasStarted = false;
  #hasResponse = false;
  #isClosed = false;

  constructor(work: Work, account: CredentialPool, releasePermit: () => void) {
    this.work = work;
    this.#account = account;
    this.#releasePermit = releasePermit;
  }

  get pool(): OutgoingPool {
    return this.#account.pool;
  }

  /** The headers of the request: names and values in turn. */
  get headers(): string[] {
    const { headers } = this.work.request;
    const traced = traceHeaders(this.#observed?.context ?? this.#trace);
    if (headers === undefined && traced.length === 0) return this.#account.headers;
    return [...this.#account.headers, ...Object.entries(headers ?? {}).flat(), ...traced];
  }

  /**
   * Registers the attempt. Throws when the breaker has opened or the caller has left during the wait. `observe` starts the
   * observation of its HTTP request. Without a tracer the request continues `trace`, as the client sent it.
   */
  start(observe: () => ObservedCall | null, trace: TraceContext | null): void {
    this.work.deadline.throwIfAborted();
    this.#report = this.#account.breaker.startCall();
    this.#observed = observe();
    this.#trace = trace;
    this.work.sendState?.startAttempt();
    this.#hasStarted = true;
  }

  /** Records that the upstream may have received the request. */
  markSent(): void {
    this.work.sendState?.markSent();
  }

  /** Records the head of the response. */
  recordStatus(status: number, headers: Headers): void {
    const { sendState, onStatus, credential } = this.work;
    this.#hasResponse = true;
    sendState?.recordStatus(status);
    onStatus?.(credential, status);
    this.#observed?.recordStatus(status);
    if (isOutageStatus(status)) this.#report('down', upstreamRequestIdOf(headers, credential));
    else this.#report('up');
  }

  /** Records that the response was read, and used without an error. */
  succeed(): void {
    this.#observed?.end();
  }

  /** Returns the permit. Only the first call has an effect. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#releasePermit();
  }

  /** Reports the failure of the attempt to the circuit breaker. Returns its error: an UpstreamError, or the reason of the abort. */
  fail(cause: unknown): unknown {
    if (!this.#hasStarted) this.close();
    if (cause instanceof ProxyError && cause.status !== undefined) this.work.sendState?.recordStatus(cause.status);
    const isFinal = cause instanceof UpstreamError || cause === this.work.deadline.aborted?.reason;
    const error = isFinal ? cause : toTransportError(cause, this.#hasResponse);
    this.#report(callResultOf(error));
    this.#observed?.end(error);
    reportRefusal(this.work.request, error);
    return error;
  }
}

const ignoreResult = (_result: CallResult) => {};
