import { METRICS, type Point } from './metric.ts';

/** Both lists by ascending step, each step once. A value of `added` has precedence, unless it is null. */
export function mergePoints(known: readonly Point[], added: readonly Point[]): readonly Point[] {
  const [first] = added;
  if (first === undefined) return known;
  const byStep = new Map(known.map((point) => [point.step, point]));
  for (const point of added) {
    const present = byStep.get(point.step);
    byStep.set(point.step, present === undefined ? point : mergePoint(present, point));
  }
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

function mergePoint(known: Point, added: Point): Point {
  const merged = { ...known, createdAt: known.createdAt ?? added.createdAt };
  for (const { key } of METRICS) merged[key] = added[key] ?? known[key];
  return merged;
}
