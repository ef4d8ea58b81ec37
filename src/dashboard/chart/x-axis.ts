import type { Point } from './metric.ts';

export const X_AXES = ['step', 'epoch', 'time'] as const;
export type XAxis = (typeof X_AXES)[number];

/** Why a curve cannot be shown over an axis; null when it can. */
export function axisDenialOf(axis: XAxis, points: readonly Point[], stepsPerEpoch: number | null): string | null {
  if (axis === 'epoch' && stepsPerEpoch === null)
    return 'Not until the upstream reports the number of epochs and of steps.';
  if (axis === 'time' && points.some(({ createdAt }) => createdAt === null)) {
    return 'Steps from a results file have no times.';
  }
  return null;
}

/** The position of each point, ascending. Times are seconds since 1970. */
export function xValues(axis: XAxis, points: readonly Point[], stepsPerEpoch: number | null): number[] {
  if (axis === 'step') return points.map(({ step }) => step);
  if (axis === 'epoch') return points.map(({ step }) => step / (stepsPerEpoch ?? 1));
  let newest = 0;
  return points.map(({ createdAt }) => {
    newest = Math.max(newest, createdAt ?? 0); // A resumed job can measure a step again.
    return newest;
  });
}
