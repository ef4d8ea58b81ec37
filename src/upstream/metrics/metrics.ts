/** What a job may measure at a step, by the names of metrics events (docs/upstream.md: Metrics events). */
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
 * A loss curve, oldest point first, whatever it was read from. A column for each metric that was measured at all, NaN
 * where it was not: numbers side by side weigh a tenth of an object for each point.
 */
export interface MetricsSeries {
  readonly length: number;
  readonly steps: Float64Array;
  readonly columns: Readonly<Partial<Record<Metric, Float64Array>>>;
  /** Whether it is all that the source has; false when reading ended at a limit. */
  readonly isComplete: boolean;
  /** Seconds since the epoch, null where the source does not tell. */
  createdAt(index: number): number | null;
  /** All that the source has at this point, unknown members too: any JSON. */
  data(index: number): unknown;
  /** Bytes that the series takes in memory. */
  readonly sizeInBytes: number;
}
