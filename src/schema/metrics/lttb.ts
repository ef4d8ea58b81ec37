export interface Curve {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * So many of the candidates, or all when there are fewer, as keep the look of a curve: Largest-Triangle-Three-Buckets
 * (Sveinn Steinarsson, Downsampling Time Series for Visual Representation, 2013, https://hdl.handle.net/1946/15343). Of
 * each bucket, the point that spans the largest triangle with the one chosen before and the mean of the bucket behind.
 * Unlike there, the ends of the curve are not chosen before all others: who wants them has them already.
 *
 * @param candidates indices of points with a finite y, ascending
 */
export function lttb(curve: Curve, candidates: readonly number[], count: number): readonly number[] {
  if (candidates.length <= count) return candidates;
  const border = (nth: number) => Math.floor((nth * candidates.length) / count);
  const buckets = Array.from({ length: count }, (_, nth) => candidates.slice(border(nth), border(nth + 1)));
  let chosen = candidates[0] ?? 0;
  return buckets.map((bucket, nth) => {
    const behind = meanOf(curve, buckets[nth + 1] ?? candidates.slice(-1));
    chosen = apexOf(curve, bucket, pointOf(curve, chosen), behind);
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

// Numbers so large that no area comes out leave the first of the bucket.
function apexOf({ xs, ys }: Curve, bucket: readonly number[], before: Point, behind: Point): number {
  let apex = bucket[0] ?? 0;
  let largest = -1;
  const width = before.x - behind.x;
  const height = before.y - behind.y;
  for (const index of bucket) {
    const area = Math.abs(width * ((ys[index] ?? 0) - before.y) - height * ((xs[index] ?? 0) - before.x));
    if (area > largest) {
      apex = index;
      largest = area;
    }
  }
  return apex;
}
