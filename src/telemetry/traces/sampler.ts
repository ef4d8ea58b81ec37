import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../clock.ts';
import { type TraceContext, UNSAMPLED } from '../trace-context.ts';

/** The samplers of OTEL_TRACES_SAMPLER. */
export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

/** Decides whether a span is recorded, before an object of the SDK is created for it. */
export interface Sampler {
  /** Returns the context of a span that is not recorded; null for one that is. */
  skip(parent: TraceContext | null): TraceContext | null;
}

/**
 * Maximum traces that begin to be recorded in a second. The exporter takes 400 spans a second and drops the others, of any
 * trace; so more traces would cost CPU time, and be incomplete.
 */
export const MAX_TRACES_PER_SECOND = 100;

/** Creates the sampler of this name. `ratio` is from 0 to 1. */
export function createSampler(name: SamplerName, ratio: number, clock: Clock): Sampler {
  const isParentBased = name.startsWith('parentbased_');
  const root = isParentBased ? name.slice('parentbased_'.length) : name;
  const ratioSampler = new TraceIdRatioBasedSampler(ratio);

  function isSampled(parent: TraceContext | null): boolean {
    if (parent === UNSAMPLED) return false;
    if (parent !== null && isParentBased) return parent.isSampled;
    if (root !== 'traceidratio') return root === 'always_on';
    // The id of a new trace is random, so that the decision can come first.
    if (parent === null) return Math.random() < ratio;
    return ratioSampler.shouldSample(ROOT_CONTEXT, parent.traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
  }

  let [secondStartedAt, tracesInSecond] = [Number.NEGATIVE_INFINITY, 0];

  /** Counts a trace that begins in this gateway. Returns false for one too many. */
  function takeTrace(): boolean {
    const now = clock.now();
    if (now - secondStartedAt >= 1000) [secondStartedAt, tracesInSecond] = [now, 0];
    return ++tracesInSecond <= MAX_TRACES_PER_SECOND;
  }

  return {
    skip(parent) {
      const isFirst = parent === null || parent.isRemote === true;
      if (isSampled(parent) && (!isFirst || takeTrace())) return null;
      return parent === null ? UNSAMPLED : { ...parent, isSampled: false };
    },
  };
}
