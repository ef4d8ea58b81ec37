import { describe, expect, it } from 'vitest';
import { sparklinePaths } from '../../../src/dashboard/board/sparkline-path.ts';

const paths = (...values: readonly [number, number][]) =>
  sparklinePaths(
    values.map(([step, value]) => ({ step, value })),
    100,
    20,
  );

describe('a sparkline', () => {
  it('spans its box: the greatest value is at the top, and x is the step', () => {
    expect(paths([1, 4], [2, 3], [11, 2])).toEqual({ curve: 'M0 0L10 10L100 20', end: 'M100 20h0' });
  });

  it('is in the middle when all values are equal', () => {
    expect(paths([5, 1], [6, 1]).curve).toBe('M0 10L100 10');
  });

  it('is a point at the end with one value, and empty without any', () => {
    expect(paths([5, 1])).toEqual({ curve: 'M100 10', end: 'M100 10h0' });
    expect(paths()).toEqual({ curve: '', end: '' });
  });
});
