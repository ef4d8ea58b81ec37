import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draggedRange, pinchedRange } from '../../../src/dashboard/chart/touch.ts';

const whole = [0, 100] as const;

describe('a pinch', () => {
  it('zooms around the values under the fingers', () => {
    expect(pinchedRange(whole, whole, [0.4, 0.6], [0.3, 0.7])).toEqual([expect.closeTo(25), expect.closeTo(75)]);
    const [from = 0, to = 0] = pinchedRange(whole, whole, [0.2, 0.4], [0.1, 0.5]) ?? [];
    expect(from + 0.1 * (to - from)).toBeCloseTo(20);
    expect(from + 0.5 * (to - from)).toBeCloseTo(40);
  });

  it('shows all when the fingers come together', () => {
    expect(pinchedRange([25, 75], whole, [0.1, 0.9], [0.4, 0.6])).toBeNull();
  });

  it('never leaves the curve, and never shows nothing: property', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    const pinch = fc.tuple(part, part);
    fc.assert(
      fc.property(pinch, pinch, fc.tuple(part, part), (from, to, [a, b]) => {
        const start = [Math.min(a, b) * 100, Math.max(a, b) * 100 + 1] as const;
        const range = pinchedRange(start, [0, 101], from, to);
        if (range === null) return;
        expect(range[0]).toBeGreaterThanOrEqual(0);
        expect(range[1]).toBeLessThanOrEqual(101);
        expect(range[1]).toBeGreaterThan(range[0]);
      }),
    );
  });
});

describe('a drag of the zoomed part', () => {
  it('moves it with the finger', () => {
    expect(draggedRange([20, 40], whole, 0.5)).toEqual([10, 30]);
    expect(draggedRange([20, 40], whole, -0.5)).toEqual([30, 50]);
  });

  it('keeps its size at the ends of the curve', () => {
    expect(draggedRange([20, 40], whole, 2)).toEqual([0, 20]);
    expect(draggedRange([20, 40], whole, -5)).toEqual([80, 100]);
  });
});
