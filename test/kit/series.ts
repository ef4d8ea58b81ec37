import type { Metric, MetricsSeries } from '../../src/upstream/metrics.ts';

/** A series with these columns, which are equally long, and a point at each step from 0. */
export function seriesOf(columns: Partial<Record<Metric, Iterable<number>>>, length: number): MetricsSeries {
  const entries = Object.entries(columns).map(([metric, values]) => [metric, Float64Array.from(values)]);
  return {
    length,
    steps: Float64Array.from({ length }, (_, index) => index),
    columns: Object.fromEntries(entries),
    isComplete: true,
    createdAt: () => null,
    data: () => null,
    weight: 0,
  };
}
