import { describe, expect, it } from 'vitest';
import { lttb } from '../../../../src/schema/metrics/lttb.ts';

const curveOf = (ys: number[]) => ({ xs: Float64Array.from(ys.keys()), ys: Float64Array.from(ys) });

describe('lttb', () => {
  // Two buckets of three points. From (0, 0), the first bucket chooses between (1, 1) and (2, -1).
  it.each([
    { next: 'above', ys: [0, 1, -1, 14, 4, -6], chosen: [2, 3] },
    { next: 'below', ys: [0, 1, -1, -14, -4, 6], chosen: [1, 3] },
  ])('chooses the point with the largest triangle to a next mean $next', ({ ys, chosen }) => {
    expect(lttb(curveOf(ys), [0, 1, 2, 3, 4, 5], 2)).toEqual(chosen);
  });

  it('chooses candidates only', () => {
    const curve = curveOf([0, 99, 1, Number.NaN, 2, 3]);
    expect(lttb(curve, [0, 2, 4, 5], 4)).toEqual([0, 2, 4, 5]);
    for (const index of lttb(curve, [0, 2, 4, 5], 3)) expect([0, 2, 4, 5]).toContain(index);
  });

  it('chooses none for a count of 0', () => expect(lttb(curveOf([1, 2]), [0, 1], 0)).toEqual([]));
});
