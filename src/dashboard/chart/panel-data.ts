import { METRICS, type Panel, type Point } from './metric.ts';
import { smooth } from './smoothing.ts';
import type { View } from './view.ts';

/** One line of a panel. */
export interface Line {
  readonly label: string;
  readonly color: string;
  /** A raw curve behind its smoothed one. */
  readonly isFaint: boolean;
  readonly isSparse: boolean;
  readonly values: (number | null)[];
}

/** The lines of a panel. Smoothing reads the whole curve, so that a zoom does not change it. */
export function linesOf(panel: Panel, points: readonly Point[], view: View): Line[] {
  return panel.metrics
    .filter(({ key }) => !view.hidden.has(key))
    .flatMap(({ key, label, color, isSparse }) => {
      const raw = points.map((point) => point[key]);
      const isSmoothed = view.smooth > 0 && !isSparse;
      const line = (values: (number | null)[], isFaint: boolean): Line => ({
        label,
        color,
        isFaint,
        isSparse,
        values: view.isLog ? values.map((value) => (value !== null && value > 0 ? value : null)) : values,
      });
      return isSmoothed ? [line(raw, true), line(smooth(raw, view.smooth), false)] : [line(raw, false)];
    });
}

/** The last point, with the newest value of each curve: the last step has no validation. */
export function newestValues(points: readonly Point[]): Point | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  const newest = { ...last };
  for (const { key } of METRICS) newest[key] = points.findLast((point) => point[key] !== null)?.[key] ?? null;
  return newest;
}
