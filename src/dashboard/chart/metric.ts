import type { JobPointFragment } from '../operations/generated.ts';

export type Point = JobPointFragment;
export type MetricKey = Exclude<keyof Point, 'step' | 'createdAt'>;

/** A curve of a panel. */
export interface Metric {
  readonly key: MetricKey;
  readonly label: string;
  /** The CSS variable of its color. */
  readonly color: '--curve-train' | '--curve-valid' | '--curve-full';
  /** A curve with few values is not smoothed. */
  readonly isSparse: boolean;
}

/** Curves with one y axis. */
export interface Panel {
  readonly title: string;
  readonly metrics: readonly Metric[];
}

const train = (key: MetricKey, label: string): Metric => ({ key, label, color: '--curve-train', isSparse: false });
const valid = (key: MetricKey, label: string): Metric => ({ key, label, color: '--curve-valid', isSparse: false });
const full = (key: MetricKey, label: string): Metric => ({ key, label, color: '--curve-full', isSparse: true });

export const PANELS: readonly Panel[] = [
  {
    title: 'Loss',
    metrics: [
      train('trainLoss', 'Training loss'),
      valid('validLoss', 'Validation loss'),
      full('fullValidLoss', 'Full validation loss'),
    ],
  },
  {
    title: 'Token accuracy',
    metrics: [
      train('trainMeanTokenAccuracy', 'Training token accuracy'),
      valid('validMeanTokenAccuracy', 'Validation token accuracy'),
      full('fullValidMeanTokenAccuracy', 'Full validation token accuracy'),
    ],
  },
  {
    title: 'Reward',
    metrics: [
      train('trainMeanReward', 'Training reward'),
      valid('validMeanReward', 'Validation reward'),
      full('fullValidMeanReward', 'Full validation reward'),
    ],
  },
];

export const METRICS: readonly Metric[] = PANELS.flatMap(({ metrics }) => metrics);

/** The panels and curves that have a value. */
export function measuredPanels(points: readonly Point[]): readonly Panel[] {
  return PANELS.map(({ title, metrics }) => ({
    title,
    metrics: metrics.filter(({ key }) => points.some((point) => point[key] !== null)),
  })).filter(({ metrics }) => metrics.length > 0);
}
