/** The metrics of a job at a step, by their names in metrics events (docs/upstream.md: Metrics events). */
export const METRICS = [
  'train_loss',
  'train_mean_token_accuracy',
  'valid_loss',
  'valid_mean_token_accuracy',
  'full_valid_loss',
  'full_valid_mean_token_accuracy',
  'train_mean_reward',
  'valid_mean_reward',
  'full_valid_mean_reward',
] as const;

export type Metric = (typeof METRICS)[number];

/**
 * A loss curve from events or from a results file, oldest point first. Columns take a tenth of the memory of one object per
 * point. A column exists only for a metric with at least one value; NaN means no value.
 */
export interface MetricsSeries {
  readonly length: number;
  readonly steps: Float64Array;
  readonly columns: Readonly<Partial<Record<Metric, Float64Array>>>;
  /** Whether the series has all points of the source; false when reading stopped at a limit. */
  readonly isComplete: boolean;
  /** Seconds since the epoch; null when the source has no time. */
  createdAt(index: number): number | null;
  /** All members of the source at this point, unknown ones included: any JSON. */
  data(index: number): unknown;
  readonly sizeInBytes: number;
}
