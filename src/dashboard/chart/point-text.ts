import { formatMetric, formatNumber, formatTime } from '../ui/formats.ts';
import type { Metric, Point } from './metric.ts';

const MAX_DECIMALS = 6;

/** A point in words, for screen readers. */
export function pointText(point: Point, metrics: readonly Metric[], isCheckpoint: boolean): string {
  const values = metrics.flatMap(({ key, label }) => {
    const value = point[key];
    return value === null ? [] : [`${label.toLowerCase()} ${formatMetric(value)}`];
  });
  return `Step ${formatNumber(point.step)}${isCheckpoint ? ', checkpoint' : ''}: ${values.join(', ') || 'no value'}`;
}

/** The position of a point: its step, and its epoch and time where they are known. */
export function positionText({ step, createdAt }: Point, stepsPerEpoch: number | null): string {
  const epoch = stepsPerEpoch === null ? [] : [`epoch ${(step / stepsPerEpoch).toFixed(2)}`];
  const time = createdAt === null ? [] : [formatTime(createdAt)];
  return [`Step ${formatNumber(step)}`, ...epoch, ...time].join(' · ');
}

/** The values of a column as texts with the same number of decimals. Empty for null. */
export function columnTexts(values: readonly (number | null)[]): string[] {
  const decimals = Math.min(MAX_DECIMALS, Math.max(0, ...values.map(decimalsOf)));
  return values.map((value) => {
    if (value === null) return '';
    const text = formatMetric(value);
    return text.includes('e') ? text : value.toFixed(decimals);
  });
}

/** Decimals of a value with four significant digits. */
function decimalsOf(value: number | null): number {
  const text = value === null ? '' : formatMetric(value);
  return text.includes('e') ? 0 : (text.split('.')[1]?.length ?? 0);
}
