import { describe, expect, it } from 'vitest';
import { heapFlags } from '../../../src/cli/gc-tuning.ts';

const MIB = 1024 * 1024;
const percentAt = (cachedMb: number, youngMb: number, maxMb = 128, streams = 0) =>
  heapFlags({ cachedBytes: cachedMb * MIB, streams }, youngMb * MIB, maxMb * MIB)['heap-growing-percent'];

describe('the growth of the old generation', () => {
  it("is V8's default while the cache is almost empty", () => {
    expect(percentAt(0, 32)).toBe(300);
  });

  it('falls with the size of the cache and of the young generation', () => {
    expect(percentAt(128, 32)).toBeLessThan(percentAt(64, 32));
    expect(percentAt(128, 64)).toBeLessThan(percentAt(128, 32));
  });

  it('falls with the number of open streams', () => {
    expect(percentAt(0, 64, 128, 5000)).toBeLessThan(percentAt(0, 64));
    expect(percentAt(0, 64, 128, 10_000)).toBe(15);
  });

  it('has a minimum for a small cache', () => {
    expect(percentAt(4, 128, 4)).toBe(15);
  });

  it('together with a full cache and the young generation is at most twice the size of the cache', () => {
    for (const maxMb of [64, 128, 256, 1024, 8192]) {
      const youngMb = Math.min(128, maxMb / 2);
      const liveMb = 30 + 0.75 * maxMb;
      const grownMb = liveMb * (1 + percentAt(maxMb, youngMb, maxMb) / 100) - 30 + youngMb;
      expect(grownMb, `${maxMb}`).toBeLessThanOrEqual(2 * maxMb);
    }
  });
});

describe('the young generation', () => {
  it('grows to half of the maximum size of the cache', () => {
    const factorAt = (youngMb: number) =>
      heapFlags({ cachedBytes: 0, streams: 0 }, youngMb * MIB, 128 * MIB)['semi-space-growth-factor'];
    expect([factorAt(32), factorAt(63), factorAt(64)]).toEqual([2, 2, 1]);
  });
});
