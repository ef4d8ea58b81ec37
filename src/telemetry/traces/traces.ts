import {
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../clock.ts';
import { listen } from '../event-channel.ts';
import type { Logger } from '../logger.ts';
import { createOtlpExporter, type ExportTarget } from '../otlp-exporter.ts';
import { gatewayResource } from '../resource.ts';
import { type SpanEvent, spanEnded, spanStarted } from '../spans.ts';
import type { TraceContext } from '../trace-context.ts';
import { createSampler, type Sampler, type SamplerName } from './sampler.ts';

/** Where traces are sent by OTLP; nowhere without a URL. */
export interface TracesExport {
  readonly tracesUrl: string | undefined;
  /** Maximum milliseconds between the end of a span and its export. */
  readonly spanDelayMs: number;
  readonly sampler: SamplerName;
  readonly samplingRatio: number;
}

const KINDS: Readonly<Record<SpanEvent['kind'], SpanKind>> = {
  request: SpanKind.SERVER,
  operation: SpanKind.INTERNAL,
  call: SpanKind.CLIENT,
  poll: SpanKind.INTERNAL,
  delivery: SpanKind.INTERNAL,
};

const MAX_VALUE_LENGTH = 200;

/**
 * Records the spans of the gateway and sends them to the target. Returns the function that sends the last ones and stops. Loads
 * the SDK.
 */
export function startTraces(
  target: ExportTarget,
  options: TracesExport,
  log: Logger,
  clock: Clock,
): () => Promise<void> {
  const exporter = createOtlpExporter((config) => new OTLPTraceExporter(config), target, 'traces', log);
  const provider = new TracerProvider({
    resource: gatewayResource(),
    sampler: new AlwaysOnSampler(), // `start` has decided.
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: options.spanDelayMs })],
    spanLimits: { attributeValueLengthLimit: MAX_VALUE_LENGTH },
  });
  const tracer = provider.getTracer('finetune-gateway');
  const sampler = createSampler(options.sampler, options.samplingRatio, clock);
  const stops = [listen(spanStarted, (event) => start(tracer, sampler, event)), listen(spanEnded, end)];
  return async () => {
    for (const stop of stops) stop();
    await provider.shutdown().catch(() => {}); // The log has the outage.
  };
}

function start(tracer: Tracer, sampler: Sampler, event: SpanEvent): void {
  const { kind, name, parent, links } = event;
  event.context = sampler.skip(parent);
  if (event.context !== null) return;
  const context = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
  const options = { kind: KINDS[kind], links: links.map((link) => ({ context: toSpanContext(link) })) };
  const span = tracer.startSpan(name, options, context);
  const { traceId, spanId } = span.spanContext();
  event.handle = span;
  event.context = { traceId, spanId, isSampled: true, traceState: parent?.traceState };
}

function end({ name, handle, attributes, errorCode }: SpanEvent): void {
  const span = handle as Span; // `start` has set it: other spans are not published at their end.
  span.updateName(name);
  span.setAttributes(attributes);
  if (errorCode !== undefined) {
    span.setAttribute('error.type', errorCode);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

const toSpanContext = ({ traceId, spanId, isSampled, traceState }: TraceContext) => ({
  traceId,
  spanId,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
  ...(traceState !== undefined && { traceState: createTraceState(traceState) }),
});
