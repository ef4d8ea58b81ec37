import { readNumber } from '../json/number.ts';

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

// Azure writes `validation` in place of `valid`, and old results files have shorter names for the accuracy
// (docs/upstream.md: Results file).
const METRIC_OF: ReadonlyMap<string, Metric> = new Map(
  METRICS.flatMap((metric) =>
    [metric, metric.replace('mean_token_accuracy', 'accuracy')]
      .flatMap((name) => [name, name.replace('valid', 'validation')])
      .map((name) => [name, metric] as const),
  ),
);

/** Returns the metric that a server writes under a name; undefined for a name of something else. */
export const metricOf = (name: string): Metric | undefined => METRIC_OF.get(name);

/** Returns whether -1 means "not measured" under a name. Of a loss and an accuracy it does; a reward can be negative. */
export const isMinusOneMissing = (name: string): boolean => /(loss|accuracy)$/.test(name);

/** Returns the metrics among the members of an event or a checkpoint. The own name of a metric wins over another one. There can be any number of others. */
export function measurementsIn(members: Readonly<Record<string, unknown>>): Map<Metric, number> {
  const measurements = new Map<Metric, number>();
  for (const [name, metric] of METRIC_OF) {
    if (measurements.has(metric) || !Object.hasOwn(members, name)) continue;
    const number = readNumber(members[name]);
    if (number !== null && !(number === -1 && isMinusOneMissing(name))) measurements.set(metric, number);
  }
  return measurements;
}

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
  /**
   * All members of the source at this point, unknown ones included: any JSON. With `hasTexts: false`, without the cells of
   * a results file that are no numbers.
   */
  data(index: number, hasTexts?: boolean): unknown;
  readonly sizeInBytes: number;
  /** Maximum number of values at one point of a results file; 0 for events, whose size the upstream bounds. */
  readonly columnCount: number;
}
