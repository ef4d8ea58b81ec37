import { METRICS, type MetricKey } from './metric.ts';
import { X_AXES, type XAxis } from './x-axis.ts';

/** How a curve is shown. The URL has all of it. */
export interface View {
  readonly x: XAxis;
  /** Weight of the smoothing, from 0 to 0.99. */
  readonly smooth: number;
  readonly isLog: boolean;
  readonly hidden: ReadonlySet<MetricKey>;
  /** The zoomed part of the x axis; null for all of it. */
  readonly range: Range | null;
}

export type Range = readonly [from: number, to: number];

export type ViewChange = (change: Partial<View>) => void;

const MAX_SMOOTH = 0.99;

export function readCurveView(params: URLSearchParams): View {
  const x = X_AXES.find((axis) => axis === params.get('x')) ?? 'step';
  const smooth = Number(params.get('smooth') ?? 0);
  const hidden = (params.get('hide') ?? '').split(',');
  return {
    x,
    smooth: smooth > 0 && smooth <= MAX_SMOOTH ? smooth : 0,
    isLog: params.get('log') === '1',
    hidden: new Set(METRICS.map(({ key }) => key).filter((key) => hidden.includes(key))),
    range: readRange(params.get('zoom')),
  };
}

function readRange(text: string | null): Range | null {
  const [from = Number.NaN, to = Number.NaN] = (text ?? '').split('~').map(Number);
  return from < to ? [from, to] : null;
}

/** The changes of the URL's parameters for a change of the view. A default value has no parameter. */
export function viewParams(change: Partial<View>): Record<string, string | null> {
  const params: Record<string, string | null> = {};
  if (change.x !== undefined) {
    params['x'] = change.x === 'step' ? null : change.x;
    params['zoom'] = null; // It is in the units of the axis.
  }
  if (change.smooth !== undefined) params['smooth'] = change.smooth === 0 ? null : String(change.smooth);
  if (change.isLog !== undefined) params['log'] = change.isLog ? '1' : null;
  if (change.hidden !== undefined) params['hide'] = change.hidden.size === 0 ? null : [...change.hidden].join();
  if (change.range !== undefined) params['zoom'] = change.range === null ? null : change.range.map(round).join('~');
  return params;
}

const round = (value: number) => Number(value.toPrecision(12));
