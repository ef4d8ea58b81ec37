import type { MetricKey, Point } from '../chart/metric.ts';
import type { Line } from '../chart/panel-data.ts';
import { smooth } from '../chart/smoothing.ts';
import type { View } from '../chart/view.ts';
import type { Compared } from './differences.ts';

/** The x axis of a comparison: steps, or the percent of each job's steps so far, which aligns jobs of different lengths. */
export const COMPARE_AXES = ['step', 'percent'] as const;
export type CompareAxis = (typeof COMPARE_AXES)[number];

/** The curves of one metric over the positions of all jobs. */
export interface Overlay {
  /** Positions at which any job has a step, ascending. */
  readonly xs: readonly number[];
  /** A line for each job, in the order of the jobs. A value is null at a position without one. */
  readonly lines: readonly Line[];
  /** The raw curves behind smoothed ones. */
  readonly rawLines: readonly Line[];
}

export function overlayOf(
  compared: readonly Compared[],
  key: MetricKey,
  axis: CompareAxis,
  { smooth: weight, isLog }: Pick<View, 'smooth' | 'isLog'>,
): Overlay {
  const positions = compared.map(({ points }) => positionsOf(points, axis));
  const xs = [...new Set(positions.flat())].sort((a, b) => a - b);
  const indexes = new Map(xs.map((x, index) => [x, index]));
  const linesWith = (smoothing: number, isFaint: boolean) =>
    compared.map(({ job, points }, index): Line => {
      const values = new Array<number | null>(xs.length).fill(null);
      const smoothed = smooth(
        points.map((point) => point[key]),
        smoothing,
      );
      positions[index]?.forEach((x, position) => {
        const value = smoothed[position] ?? null;
        values[indexes.get(x) ?? 0] = value !== null && isLog && value <= 0 ? null : value;
      });
      return { label: job.id, color: colorOf(index), isFaint, isSparse: false, values };
    });
  return { xs, lines: linesWith(weight, false), rawLines: weight > 0 ? linesWith(0, true) : [] };
}

function positionsOf(points: readonly Point[], axis: CompareAxis): number[] {
  const last = points.at(-1)?.step ?? 1;
  return points.map(({ step }) => (axis === 'step' ? step : (100 * step) / last));
}

/** The CSS variable of the color of a job by its position. */
export const colorOf = (index: number): string => `--compare-${index}`;

/** The newest value of a line up to a position: jobs have values at different steps. */
export const valueAt = ({ values }: Line, index: number): number | null =>
  values.slice(0, index + 1).findLast((value) => value !== null) ?? null;

/** The last step of a job that has none at a position or after it; null for other jobs. */
export function endedBefore({ points }: Compared, axis: CompareAxis, x: number): number | null {
  const last = points.at(-1)?.step;
  return axis === 'step' && last !== undefined && last < x ? last : null;
}
