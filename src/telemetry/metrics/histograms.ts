import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Clock } from '../../clock.ts';
import { gatewayResource } from '../resource.ts';
import { CATALOGUE } from './catalogue.ts';
import type { Durations } from './series.ts';

/** Adds the histograms, with all values since the start, to what a reader collects. */
export function createHistogramProducer(histograms: readonly Durations[], clock: Clock): MetricProducer {
  const startTime = hrTimeOf(clock.now());
  const scope = { name: 'finetune-gateway' };
  return {
    async collect() {
      const endTime = hrTimeOf(clock.now());
      const metrics = histograms.map((histogram) => toMetricData(histogram, startTime, endTime));
      const used = metrics.filter(({ dataPoints }) => dataPoints.length > 0);
      return { resourceMetrics: { resource: gatewayResource(), scopeMetrics: [{ scope, metrics: used }] }, errors: [] };
    },
  };
}

function toMetricData(histogram: Durations, startTime: HrTime, endTime: HrTime): HistogramMetricData {
  const { name, bounds } = histogram;
  const { unit, help: description } = CATALOGUE[name];
  return {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: Array.from(histogram.distributions(), ({ counts, sum, count, attributes }) => ({
      startTime,
      endTime,
      attributes,
      value: { sum, count, buckets: { boundaries: [...bounds], counts: [...counts] } },
    })),
  };
}

const hrTimeOf = (ms: number): HrTime => [Math.floor(ms / 1000), (ms % 1000) * 1e6];
