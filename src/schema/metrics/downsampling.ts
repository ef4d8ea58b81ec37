import { METRICS, type Metric, type MetricsSeries } from '../../upstream/metrics/metrics.ts';
import { lttb } from './lttb.ts';

const LOSSES = METRICS.filter((metric) => metric.endsWith('_loss'));
const FULL_VALIDATION = METRICS.filter((metric) => metric.startsWith('full_valid_'));
const VALIDATION = METRICS.filter((metric) => metric.startsWith('valid_'));
/** Of what the fixed points leave, the part for points of validation. */
const VALIDATION_SHARE = 0.25;

/**
 * The indices of the points that stand for a whole series, ascending: all of them when there are at most `maxPoints` (16
 * or more), else exactly so many. The first and the last are among them, and the lowest and the highest of each loss. A
 * quarter of the others are points of validation, full ones first, evenly in their order; the rest keep the shape of
 * the training loss, or of the training reward when there is no loss, or are evenly spread when there is neither.
 */
export function downsample(series: MetricsSeries, maxPoints: number): Uint32Array {
  const { length, columns, steps } = series;
  if (length <= maxPoints) return Uint32Array.from({ length }, (_, index) => index);
  const shown = createSelection(length, maxPoints);
  shown.add([0, length - 1]);
  for (const loss of LOSSES) shown.add(extremes(columns[loss]));

  let share = Math.floor(shown.left() * VALIDATION_SHARE);
  for (const kind of [FULL_VALIDATION, VALIDATION]) {
    const points = evenly(shown.others(hasAny(series, kind)), share);
    shown.add(points);
    share -= points.length;
  }

  const curve = [columns.train_loss, columns.train_mean_reward].find((values) => values?.some(Number.isFinite));
  if (curve !== undefined) {
    const candidates = shown.others((index) => Number.isFinite(curve[index]));
    shown.add(lttb({ xs: steps, ys: curve }, candidates, shown.left()));
  }
  shown.add(evenly(shown.others(), shown.left())); // Points that the curve has not, when it is short or missing.
  return shown.indices();
}

interface Selection {
  /** Those that are in already stay so. */
  add(indices: readonly number[]): void;
  /** Those that are not in and are wanted, ascending. */
  others(isWanted?: (index: number) => boolean): number[];
  /** How many may still be added. */
  left(): number;
  indices(): Uint32Array;
}

function createSelection(length: number, maxPoints: number): Selection {
  const isIn = new Uint8Array(length);
  let size = 0;
  return {
    add(indices) {
      for (const index of indices) {
        if (isIn[index] === 0) size++;
        isIn[index] = 1;
      }
    },
    others(isWanted = () => true) {
      const found: number[] = [];
      for (let index = 0; index < length; index++) if (isIn[index] === 0 && isWanted(index)) found.push(index);
      return found;
    },
    left: () => maxPoints - size,
    indices() {
      const indices = new Uint32Array(size);
      for (let index = 0, next = 0; index < length; index++) if (isIn[index] === 1) indices[next++] = index;
      return indices;
    },
  };
}

/** Where the lowest and the highest value are, the first of equal ones; none without a value. */
function extremes(values: Float64Array = new Float64Array()): number[] {
  let lowest = -1;
  let highest = -1;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    if (lowest === -1 || value < (values[lowest] ?? 0)) lowest = index;
    if (highest === -1 || value > (values[highest] ?? 0)) highest = index;
  }
  return lowest === -1 ? [] : [lowest, highest];
}

function hasAny({ columns }: MetricsSeries, metrics: readonly Metric[]): (index: number) => boolean {
  const measured = metrics.flatMap((metric) => columns[metric] ?? []);
  return (index) => measured.some((values) => !Number.isNaN(values[index]));
}

/** So many of them, or all when there are fewer, with the same distance between any two. */
function evenly(indices: readonly number[], count: number): readonly number[] {
  if (indices.length <= count) return indices;
  const distance = indices.length / count;
  return Array.from({ length: count }, (_, nth) => indices[Math.floor((nth + 0.5) * distance)] ?? 0);
}
