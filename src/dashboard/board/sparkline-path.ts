import type { CurvePoint } from './curve.ts';

/** Paths for SVG. */
export interface SparklinePaths {
  readonly curve: string;
  /** The last point. */
  readonly end: string;
}

/** The paths of a curve in a box of this size, without its stroke. Empty without points. */
export function sparklinePaths(points: readonly CurvePoint[], width: number, height: number): SparklinePaths {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return { curve: '', end: '' };
  const values = points.map(({ value }) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const x = (step: number) => (last.step === first.step ? 1 : (step - first.step) / (last.step - first.step)) * width;
  const y = (value: number) => (high === low ? 0.5 : (high - value) / (high - low)) * height;
  const positions = points.map(({ step, value }) => `${round(x(step))} ${round(y(value))}`);
  return { curve: `M${positions.join('L')}`, end: `M${positions.at(-1)}h0` };
}

const round = (value: number): number => Math.round(value * 10) / 10;
