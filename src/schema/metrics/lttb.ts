export interface Curve {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Downsamples a curve to `count` candidates with Largest-Triangle-Three-Buckets (Sveinn Steinarsson, Downsampling Time
 * Series for Visual Representation, 2013, https://hdl.handle.net/1946/15343): each bucket contributes the point with the
 * largest triangle to the previous choice and the mean of the next bucket. Unlike the original it does not add the ends
 * of the curve; the caller adds them. Returns all candidates when there are at most `count`.
 *
 * @param candidates indices of points with a finite y, ascending
 */
export function lttb(curve: Curve, candidates: readonly number[], count: number): readonly number[] {
  if (candidates.length <= count) return candidates;
  const bucketStart = (index: number) => Math.floor((index * candidates.length) / count);
  const buckets = Array.from({ length: count }, (_, index) =>
    candidates.slice(bucketStart(index), bucketStart(index + 1)),
  );
  let chosen = candidates[0] ?? 0;
  return buckets.map((bucket, index) => {
    const next = meanOf(curve, buckets[index + 1] ?? candidates.slice(-1));
    chosen = apexOf(curve, bucket, pointOf(curve, chosen), next);
    return chosen;
  });
}

function pointOf({ xs, ys }: Curve, index: number): Point {
  return { x: xs[index] ?? Number.NaN, y: ys[index] ?? Number.NaN };
}

function meanOf({ xs, ys }: Curve, indices: readonly number[]): Point {
  let x = 0;
  let y = 0;
  for (const index of indices) {
    x += xs[index] ?? 0;
    y += ys[index] ?? 0;
  }
  return { x: x / indices.length, y: y / indices.length };
}

// When the areas overflow to NaN, the first point of the bucket remains.
function apexOf({ xs, ys }: Curve, bucket: readonly number[], previous: Point, next: Point): number {
  let apex = bucket[0] ?? 0;
  let largest = -1;
  const width = previous.x - next.x;
  const height = previous.y - next.y;
  for (const index of bucket) {
    const area = Math.abs(width * ((ys[index] ?? 0) - previous.y) - height * ((xs[index] ?? 0) - previous.x));
    if (area > largest) {
      apex = index;
      largest = area;
    }
  }
  return apex;
}
