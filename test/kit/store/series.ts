import type { Metric, MetricsSeries } from '../../../src/upstream/metrics/metrics.ts';

/** Returns a series with these columns, all of this length, with one point per step from 0. */
export function seriesOf(columns: Partial<Record<Metric, Iterable<number>>>, length: number): MetricsSeries {
  const entries = Object.entries(columns).map(([metric, values]) => [metric, Float64Array.from(values)]);
  return {
    length,
    steps: Float64Array.from({ length }, (_, index) => index),
    columns: Object.fromEntries(entries),
    isComplete: true,
    createdAt: () => null,
    data: () => null,
    sizeInBytes: 0,
    columnCount: 1 + entries.length,
  };
}

/** GraphQL field -> wire name of each metric. */
export const METRIC_FIELDS: Readonly<Record<string, Metric>> = {
  trainLoss: 'train_loss',
  trainMeanTokenAccuracy: 'train_mean_token_accuracy',
  validLoss: 'valid_loss',
  validMeanTokenAccuracy: 'valid_mean_token_accuracy',
  fullValidLoss: 'full_valid_loss',
  fullValidMeanTokenAccuracy: 'full_valid_mean_token_accuracy',
  trainMeanReward: 'train_mean_reward',
  validMeanReward: 'valid_mean_reward',
  fullValidMeanReward: 'full_valid_mean_reward',
};
