import { METRICS, type Metric, type MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { lttb } from './lttb.ts';

const WITH_EXTREMES = METRICS.filter((metric) => metric.endsWith('_loss') || metric.endsWith('_reward'));
const FULL_VALIDATION = METRICS.filter((metric) => metric.startsWith('full_valid_'));
const VALIDATION = METRICS.filter((metric) => metric.startsWith('valid_'));
/** Part of the points after the fixed ones that is reserved for validation. */
const VALIDATION_SHARE = 0.25;

/**
 * Returns the ascending indices of the points that represent a series: all of them when there are at most `maxPoints` (16
 * or more), otherwise exactly `maxPoints`. They include the first and the last point, and the minimum and the maximum of
 * each loss and reward. A quarter of the others are points of validation, full validations first, evenly spaced. The rest keep the
 * shape of the training loss, or of the training reward without a loss; without both they are evenly spaced.
 */
export function downsample(series: MetricsSeries, maxPoints: number): Uint32Array {
  const { length, columns, steps } = series;
  if (length <= maxPoints) return Uint32Array.from({ length }, (_, index) => index);
  const selection = createSelection(length, maxPoints);
  selection.add([0, length - 1]);
  for (const metric of WITH_EXTREMES) selection.add(extremesOf(columns[metric]));

  let share = Math.floor(selection.remaining() * VALIDATION_SHARE);
  for (const metrics of [FULL_VALIDATION, VALIDATION]) {
    const points = evenlySpaced(selection.unselected(hasAny(series, metrics)), share);
    selection.add(points);
    share -= points.length;
  }

  const curve = [columns.train_loss, columns.train_mean_reward].find((values) => values?.some(Number.isFinite));
  if (curve !== undefined) {
    const candidates = selection.unselected((index) => Number.isFinite(curve[index]));
    selection.add(lttb({ xs: steps, ys: curve }, candidates, selection.remaining()));
  }
  selection.add(evenlySpaced(selection.unselected(), selection.remaining())); // For a short or missing curve.
  return selection.indices();
}

interface Selection {
  /** Ignores indices that are selected already. */
  add(indices: readonly number[]): void;
  /** Returns the indices that are not selected and match, ascending. */
  unselected(matches?: (index: number) => boolean): number[];
  /** Number of indices that can still be added. */
  remaining(): number;
  indices(): Uint32Array;
}

function createSelection(length: number, maxPoints: number): Selection {
  const isSelected = new Uint8Array(length);
  let size = 0;
  return {
    add(indices) {
      for (const index of indices) {
        if (isSelected[index] === 0) size++;
        isSelected[index] = 1;
      }
    },
    unselected(matches = () => true) {
      const found: number[] = [];
      for (let index = 0; index < length; index++) if (isSelected[index] === 0 && matches(index)) found.push(index);
      return found;
    },
    remaining: () => maxPoints - size,
    indices() {
      const indices = new Uint32Array(size);
      for (let index = 0, next = 0; index < length; index++) if (isSelected[index] === 1) indices[next++] = index;
      return indices;
    },
  };
}

/** Returns the indices of the first minimum and of the first maximum, or none for a column without a value. */
function extremesOf(values: Float64Array = new Float64Array()): number[] {
  let min = -1;
  let max = -1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    if (min === -1 || value < (values[min] ?? 0)) min = index;
    if (max === -1 || value > (values[max] ?? 0)) max = index;
  }
  return min === -1 ? [] : [min, max];
}

function hasAny({ columns }: MetricsSeries, metrics: readonly Metric[]): (index: number) => boolean {
  const measuredColumns = metrics.flatMap((metric) => columns[metric] ?? []);
  return (index) => measuredColumns.some((values) => !Number.isNaN(values[index]));
}

/** Returns `count` evenly spaced indices, or all when there are fewer. */
function evenlySpaced(indices: readonly number[], count: number): readonly number[] {
  if (indices.length <= count) return indices;
  const distance = indices.length / count;
  return Array.from({ length: count }, (_, index) => indices[Math.floor((index + 0.5) * distance)] ?? 0);
}
