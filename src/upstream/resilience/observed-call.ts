import type { Clock } from '../../clock.ts';
import { type CallCause, callEnded, callQueued, credentialRefused } from '../../telemetry/events.ts';
import { endSpan, type SpanEvent, spanStarted, startSpan } from '../../telemetry/spans.ts';
import { type TraceContext, traceparentOf, UNSAMPLED } from '../../telemetry/trace-context.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import type { CallClaims } from './call-claims.ts';
import type { RetrySafety } from './retry.ts';

/** The parts of a request that are reported. */
interface Request {
  readonly method: string;
  readonly path: { readonly template: string };
  readonly retrySafety: RetrySafety;
}

/** One HTTP request to the upstream, as metrics and traces see it. */
export class ObservedCall {
  readonly #request: Request;
  readonly #cause: CallCause;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #span: SpanEvent | null;
  readonly #retryCount: number;
  #status: number | null = null;

  constructor(request: Request, claims: CallClaims | undefined, retryCount: number, clock: Clock) {
    const { method, path, retrySafety } = request;
    this.#request = request;
    this.#cause = retrySafety === 'always' ? (claims?.cause ?? 'query') : 'mutation';
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#retryCount = retryCount;
    const parent = claims?.trace ?? null;
    const isTraced = spanStarted.hasSubscribers && parent !== UNSAMPLED;
    this.#span = isTraced ? startSpan('call', `${method} ${path.template}`, parent, claims?.linksBeside(parent)) : null;
  }

  /** The span of the call; null while no tracer listens. */
  get context(): TraceContext | null {
    return this.#span?.context ?? null;
  }

  recordStatus(status: number): void {
    this.#status = status;
  }

  /** Reports the end of the call. Without an error it has succeeded. */
  end(error?: unknown): void {
    const { method, path } = this.#request;
    const route = path.template;
    const errorCode = error === undefined ? undefined : error instanceof UpstreamError ? error.code : 'ABORTED';
    const status = this.#status;
    const seconds = (this.#clock.now() - this.#startedAt) / 1000;
    if (callEnded.hasSubscribers) {
      callEnded.publish({ method, route, cause: this.#cause, status, errorCode, seconds });
    }
    if (!this.#span?.handle) return; // Not recorded.
    const attributes = {
      'http.request.method': method,
      'url.template': route,
      'http.response.status_code': status ?? undefined,
      'http.request.resend_count': this.#retryCount || undefined,
      'finetune.cause': this.#cause,
      'finetune.upstream.request_id': error instanceof UpstreamError ? error.facts.upstreamRequestId : undefined,
    };
    endSpan(this.#span, attributes, errorCode);
  }
}

/** Returns null without a subscriber. */
export function observeCall(
  request: Request,
  claims: CallClaims | undefined,
  retryCount: number,
  clock: Clock,
): ObservedCall | null {
  if (!callEnded.hasSubscribers && !spanStarted.hasSubscribers) return null;
  return new ObservedCall(request, claims, retryCount, clock);
}

/** Reports that the upstream has refused the credential. */
export function reportRefusal({ path }: Request, error: unknown): void {
  if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_UNAUTHENTICATED') return;
  if (!credentialRefused.hasSubscribers) return;
  credentialRefused.publish({ route: path.template, upstreamRequestId: error.facts.upstreamRequestId });
}

/** Awaits the turn of a call, and reports its duration, or that it was refused. */
export async function observeWait<T>(turn: Promise<T>, clock: Clock): Promise<T> {
  if (!callQueued.hasSubscribers) return await turn;
  const startedAt = clock.now();
  const report = (outcome: 'admitted' | 'refused') =>
    callQueued.publish({ outcome, seconds: (clock.now() - startedAt) / 1000 });
  try {
    const admitted = await turn;
    report('admitted');
    return admitted;
  } catch (error) {
    if (error instanceof UpstreamError) report('refused'); // Else the caller has left.
    throw error;
  }
}

const NO_HEADERS: readonly string[] = [];

/** Headers that continue a trace at the upstream: names and values in turn. */
export function traceHeaders(context: TraceContext | null): readonly string[] {
  if (context === null || context === UNSAMPLED) return NO_HEADERS;
  const { traceState } = context;
  const headers = ['traceparent', traceparentOf(context)];
  return traceState === undefined ? headers : [...headers, 'tracestate', traceState];
}
