import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downsample } from '../../../../src/schema/metrics/downsampling.ts';
import { METRICS, type Metric, type MetricsSeries } from '../../../../src/upstream/metrics/metrics.ts';
import { seriesOf } from '../../../kit/store/series.ts';

const WITH_EXTREMES = [
  'train_loss',
  'valid_loss',
  'full_valid_loss',
  'train_mean_reward',
  'valid_mean_reward',
  'full_valid_mean_reward',
] as const;

const value = fc.oneof(
  { weight: 6, arbitrary: fc.double() },
  { weight: 3, arbitrary: fc.constant(Number.NaN) },
  { weight: 2, arbitrary: fc.constant(0.5) },
  { weight: 1, arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE) },
);

/** A series with any columns and any values missing. */
const anySeries = fc.integer({ min: 0, max: 120 }).chain((length) => {
  const random = fc.array(value, { minLength: length, maxLength: length });
  const constant = value.map((same) => Array.from({ length }, () => same));
  const column = fc.oneof({ weight: 4, arbitrary: random }, { weight: 1, arbitrary: constant });
  const columns = Object.fromEntries(METRICS.map((metric) => [metric, column]));
  return fc.record(columns, { requiredKeys: [] }).map((chosen) => seriesOf(chosen, length));
});
const maxPoints = fc.integer({ min: 16, max: 40 });

/** Asserts a property of every series that is longer than the maximum. */
function forLongSeries(check: (series: MetricsSeries, selected: Set<number>, max: number) => void): void {
  fc.assert(
    fc.property(anySeries, maxPoints, (series, max) => {
      fc.pre(series.length > max);
      check(series, new Set(downsample(series, max)), max);
    }),
    { numRuns: 400 },
  );
}

const measured = ({ columns }: MetricsSeries, metric: Metric) =>
  [...(columns[metric] ?? [])].filter((number) => !Number.isNaN(number));
const column = (length: number, valueAt: (index: number) => number) => Array.from({ length }, (_, at) => valueAt(at));
const every = (step: number, valueAt: (index: number) => number) => (index: number) =>
  index % step === 0 ? valueAt(index) : Number.NaN;

describe('downsample', () => {
  it('returns every point of a series that is short enough: property', () => {
    fc.assert(
      fc.property(anySeries, (series) => {
        expect([...downsample(series, Math.max(16, series.length))]).toEqual([...series.steps.keys()]);
      }),
    );
  });

  it('returns exactly the maximum number of points: property', () => {
    forLongSeries((series, _, max) => expect(downsample(series, max)).toHaveLength(max));
  });

  it('returns distinct indices of the series in ascending order: property', () => {
    forLongSeries((series, selected) => {
      const indices = [...selected];
      expect(indices).toEqual([...new Set(indices)].sort((a, b) => a - b));
      expect(indices.every((index) => Number.isInteger(index) && index >= 0 && index < series.length)).toBe(true);
    });
  });

  it('keeps the first and the last point: property', () => {
    forLongSeries((series, selected) => expect(selected.isSupersetOf(new Set([0, series.length - 1]))).toBe(true));
  });

  it.each(WITH_EXTREMES)('keeps the minimum and the maximum of %s: property', (metric) => {
    forLongSeries((series, selected) => {
      const all = measured(series, metric);
      const keptValues = new Set([...selected].map((index) => series.columns[metric]?.[index]));
      if (all.length > 0) expect(keptValues.isSupersetOf(new Set([Math.min(...all), Math.max(...all)]))).toBe(true);
    });
  });

  it('returns a quarter of validation points beside the fixed points: property', () => {
    const FIXED = 14; // Maximum: the first, the last and two of each loss and reward.
    const metrics = METRICS.filter((metric) => metric.includes('valid_'));
    forLongSeries((series, selected, max) => {
      const isValidation = (index: number) =>
        metrics.some((metric) => !Number.isNaN(series.columns[metric]?.[index] ?? Number.NaN));
      const all = [...series.steps.keys()].filter(isValidation);
      const least = Math.min(all.length, Math.floor((max - FIXED) / 4));
      expect([...selected].filter(isValidation).length).toBeGreaterThanOrEqual(least);
    });
  });

  it('does not change the series', () => {
    const columns = { train_loss: column(100, Math.sin), valid_loss: column(100, every(7, Math.cos)) };
    const series = seriesOf(columns, 100);
    downsample(series, 16);
    expect(series).toEqual({ ...seriesOf(columns, 100), createdAt: series.createdAt, data: series.data });
  });

  it('keeps a spike of the training loss', () => {
    const series = seriesOf(
      { train_loss: column(10_000, (at) => (at === 6789 ? 3 : 2 + 8 * Math.exp(-at / 900))) },
      10_000,
    );
    expect(downsample(series, 100)).toContain(6789);
  });

  it('keeps the spikes of a noisy training loss that are neither its minimum nor its maximum', () => {
    const spikes = [1234, 4321, 7777];
    const loss = (at: number) => 10 * Math.exp(-at / 500) + 0.1 * Math.sin(at * at) + (spikes.includes(at) ? 4 : 0);
    expect([...downsample(seriesOf({ train_loss: column(10_000, loss) }, 10_000), 200)]).toEqual(
      expect.arrayContaining(spikes),
    );
  });

  it('keeps the spikes of the training reward when there is no training loss', () => {
    const reward = (at: number) => (at === 321 ? 0.9 : 0.1 + 0.0001 * at);
    const columns = { train_loss: column(1000, () => Number.NaN), train_mean_reward: column(1000, reward) };
    expect(downsample(seriesOf(columns, 1000), 50)).toContain(321);
  });

  it('spaces the points evenly when there is neither a training loss nor a reward', () => {
    const selected = [...downsample(seriesOf({ train_mean_token_accuracy: column(1000, Math.sin) }, 1000), 100)];
    const distances = selected.slice(1).map((index, position) => index - (selected[position] ?? 0));
    expect(Math.max(...distances)).toBeLessThanOrEqual(11);
  });

  it('keeps all points of validation when they fit into their share', () => {
    const columns = { train_loss: column(1000, Math.sin), valid_loss: column(1000, every(100, Math.cos)) };
    const validation = column(10, (index) => index * 100);
    expect([...downsample(seriesOf(columns, 1000), 60)]).toEqual(expect.arrayContaining(validation));
  });

  it('keeps points of full validation before others of validation', () => {
    const columns = {
      train_loss: column(1000, Math.sin),
      valid_mean_token_accuracy: column(1000, () => 0.5),
      full_valid_mean_token_accuracy: column(
        1000,
        every(200, () => 0.5),
      ),
    };
    expect([...downsample(seriesOf(columns, 1000), 32)]).toEqual(expect.arrayContaining([0, 200, 400, 600, 800]));
  });

  it('spaces the points of validation over the whole series when they do not fit', () => {
    const columns = {
      train_loss: column(1000, (at) => (at % 2 === 1 ? 1 : Number.NaN)),
      valid_loss: column(1000, every(2, Math.sin)),
    };
    const validation = [...downsample(seriesOf(columns, 1000), 100)].filter((index) => index % 2 === 0);
    const quarters = Map.groupBy(validation, (index) => Math.floor(index / 250));
    for (const points of quarters.values()) expect(points.length).toBeGreaterThanOrEqual(4);
    expect(quarters.size).toBe(4);
  });

  it('adds points without a training loss when few have one', () => {
    const series = seriesOf({ train_loss: column(1000, every(250, Math.sin)) }, 1000);
    const selected = [...downsample(series, 40)];
    expect(selected).toEqual(expect.arrayContaining([0, 250, 500, 750, 999]));
    expect(selected).toHaveLength(40);
  });
});
