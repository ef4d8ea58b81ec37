import { eventChannel } from './event-channel.ts';
import { type TraceContext, UNSAMPLED } from './trace-context.ts';

/** The kind of work of a span. */
export type SpanKind = 'request' | 'operation' | 'call' | 'poll' | 'delivery';

/** Values of a span. Never a key, a token, or content of a file. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A unit of work, as the tracer sees it. */
export interface SpanEvent {
  readonly kind: SpanKind;
  /** Can be set again at the end. */
  name: string;
  /** Null for the root of a trace. */
  readonly parent: TraceContext | null;
  /** Spans of other traces that this one works for. */
  readonly links: readonly TraceContext[];
  /** Set by the tracer when the span starts. */
  context: TraceContext | null;
  /** Set by the tracer when it records the span; null when the trace is not sampled. */
  handle: object | null;
  /** Set at the end. */
  attributes: SpanAttributes;
  /** The code of the error with which the work has ended. */
  errorCode: string | undefined;
}

export const spanStarted = eventChannel<SpanEvent>('finetune.span.started');
export const spanEnded = eventChannel<SpanEvent>('finetune.span.ended');

/** Maximum links of a span. */
export const MAX_LINKS = 16;

/** Starts a span. Returns null while no tracer listens, and below UNSAMPLED, which saves its objects. */
export function startSpan(
  kind: SpanKind,
  name: string,
  parent: TraceContext | null = null,
  links: readonly TraceContext[] = [],
): SpanEvent | null {
  if (!spanStarted.hasSubscribers || parent === UNSAMPLED) return null;
  const span: SpanEvent = {
    kind,
    name,
    parent,
    links,
    context: null,
    handle: null,
    attributes: {},
    errorCode: undefined,
  };
  spanStarted.publish(span);
  return span;
}

/** Ends a span. Does nothing without one, or when it is not recorded. */
export function endSpan(span: SpanEvent | null, attributes: SpanAttributes = {}, errorCode?: string): void {
  if (span === null || span.handle === null) return;
  span.attributes = attributes;
  span.errorCode = errorCode;
  spanEnded.publish(span);
}
