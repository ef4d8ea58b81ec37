import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatDuration, formatMetric } from '../../../src/dashboard/ui/formats.ts';

describe('formats of the dashboard', () => {
  it.each([
    [-5, '0 s'],
    [0, '0 s'],
    [59.6, '1 min'],
    [61, '1 min 1 s'],
    [3600, '1 h'],
    [3_905, '1 h 5 min'],
    [90_000, '1 d 1 h'],
    [86_401, '1 d'],
  ])('show a duration of %d s as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [-3, 'now'],
    [0, 'now'],
    [1, '1 s ago'],
    [119, '1 min ago'],
    [7200, '2 h ago'],
    [864_000, '10 d ago'],
  ])('show a time %d s ago as %s', (seconds, text) => {
    expect(formatAgo(seconds)).toBe(text);
  });

  it.each([
    [0, '0'],
    [1.23456, '1.235'],
    [0.012345, '0.01235'],
    [0.00001234, '1.23e-5'],
    [123_456, '123500'],
    [12_345_678, '1.23e+7'],
    [-0.5, '-0.5'],
  ])('show the metric %d as %s', (value, text) => {
    expect(formatMetric(value)).toBe(text);
  });

  it.each([
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_500_000, '1.5 MB'],
  ])('show %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
