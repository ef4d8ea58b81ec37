import { ROOT_CONTEXT } from '@opentelemetry/api';
import { RandomIdGenerator, SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { TraceContext } from '../trace-context.ts';

/** The samplers of OTEL_TRACES_SAMPLER. */
export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

/** Decides whether the spans of a trace are recorded, before an object of the SDK is created for them. */
export interface Sampler {
  /** Returns the context of a span that is not recorded; null for one that is. `traceId` is that of its trace. */
  skip(parent: TraceContext | null, traceId: string): TraceContext | null;
}

const ids = new RandomIdGenerator();

/** Creates the sampler of this name. `ratio` is from 0 to 1. */
export function createSampler(name: SamplerName, ratio: number): Sampler {
  const isParentBased = name.startsWith('parentbased_');
  const isSampled = createDecision(isParentBased ? name.slice('parentbased_'.length) : name, ratio);
  return {
    skip(parent, traceId) {
      if (parent !== null && isParentBased) return parent.isSampled ? null : parent;
      if (isSampled(traceId)) return null;
      return { traceId, spanId: parent?.spanId ?? ids.generateSpanId(), isSampled: false };
    },
  };
}

function createDecision(name: string, ratio: number): (traceId: string) => boolean {
  if (name !== 'traceidratio') return () => name === 'always_on';
  const sampler = new TraceIdRatioBasedSampler(ratio);
  return (traceId) => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
}
