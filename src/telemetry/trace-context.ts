/** The position of a span in its trace (W3C Trace Context). Plain data: no code of a tracer is loaded for it. */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** Whether the client sent it: a span below it is the first one of the trace in this gateway. */
  readonly isRemote?: boolean;
  /** The header `tracestate`, as it was received. */
  readonly traceState?: string | undefined;
}

/** The context of the spans of a trace that has begun here and is not sampled. It is neither logged nor sent: no trace has it. */
export const UNSAMPLED: TraceContext = { traceId: '', spanId: '', isSampled: false };

/** Version 00, and later versions with further members. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;
const MAX_TRACE_STATE_LENGTH = 512;

/** Parses the headers of a request. Returns null without a valid `traceparent` (W3C Trace Context 3.2). */
export function readTraceContext(traceparent: unknown, traceState: unknown): TraceContext | null {
  if (typeof traceparent !== 'string') return null;
  const [, traceId, spanId, flags = ''] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined) return null;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId, isSampled, isRemote: true, ...(isTraceState(traceState) && { traceState }) };
}

/** Returns the header `traceparent` of a request that belongs to the span. */
export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

const isTraceState = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= MAX_TRACE_STATE_LENGTH && /^[\x20-\x7e]+$/.test(value);

/** The trace ids of the requests in progress, by request id: the logger adds them to the lines of these requests. */
export const traceIds = new Map<string, string>();
