import { describe, expect, it } from 'vitest';
import { bar, duration, figure, sparkline } from '../../../src/terminal/charts.ts';

describe('a bar', () => {
  it.each([
    [null, '░░░░'],
    [0, '░░░░'],
    [0.5, '██░░'],
    [0.999, '███░'],
    [1, '████'],
    [1.2, '████'],
  ])('of %s is %s', (fraction, blocks) => {
    expect(bar(fraction, 4)).toBe(blocks);
  });
});

describe('a sparkline', () => {
  it('is scaled from the lowest to the highest value', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([2.5, 0.5], 8)).toBe('█▁');
  });

  it('shows averages of neighbors when there are more values than columns', () => {
    expect(sparkline([0, 0, 7, 7, 14, 14], 3)).toBe('▁▅█');
  });

  it('has at most the given width, and is empty without values', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index);
    for (const width of [0, 1, 7, 999]) expect(sparkline(values, width)).toHaveLength(width);
    expect(sparkline([], 10)).toBe('');
  });

  it('is flat when all values are equal', () => {
    expect(sparkline([3, 3, 3], 5)).toBe('▁▁▁');
  });
});

describe('a duration', () => {
  it.each([
    [-3, '0s'],
    [59.4, '59s'],
    [59.6, '1m 0s'],
    [3599, '59m 59s'],
    [7500, '2h 5m'],
    [350_000, '4d 1h'],
  ])('of %s seconds is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('a figure', () => {
  it.each([
    [0, '0'],
    [0.412345, '0.4123'],
    [-0.41234, '-0.4123'],
    [12.3456, '12.35'],
    [123_456.7, '123457'],
    [1e21, '1e+21'],
    [0.000012345, '1e-5'],
    [-0.0012345, '-1e-3'],
    [-1.5e-300, '-2e-300'],
  ])('of %s is %s', (value, text) => {
    expect(figure(value)).toBe(text);
    expect(text.length).toBeLessThanOrEqual(7);
  });
});
