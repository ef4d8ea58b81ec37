import { describe, expect, it } from 'vitest';
import { heapFlags } from '../../../src/cli/gc-tuning.ts';

const MIB = 1024 * 1024;
const percentAt = (keptMb: number, youngMb: number, maxMb = 128, streams = 0) =>
  heapFlags({ cachedBytes: keptMb * MIB, streams }, youngMb * MIB, maxMb * MIB)['heap-growing-percent'];

describe('how far garbage may grow', () => {
  it("is V8's own measure as long as little is kept", () => {
    expect(percentAt(0, 32)).toBe(300);
  });

  it('is less the more is kept, and the more room young objects have taken', () => {
    expect(percentAt(128, 32)).toBeLessThan(percentAt(64, 32));
    expect(percentAt(128, 64)).toBeLessThan(percentAt(128, 32));
  });

  it('is less the more streams are open', () => {
    expect(percentAt(0, 64, 128, 5000)).toBeLessThan(percentAt(0, 64));
    expect(percentAt(0, 64, 128, 10_000)).toBe(15);
  });

  it('leaves room to breathe however little may be kept', () => {
    expect(percentAt(4, 128, 4)).toBe(15);
  });

  it('together with a full store and the young is at most twice what may be kept', () => {
    for (const maxMb of [64, 128, 256, 1024, 8192]) {
      const youngMb = Math.min(128, maxMb / 2);
      const alive = 30 + 0.75 * maxMb;
      const grown = alive * (1 + percentAt(maxMb, youngMb, maxMb) / 100) - 30 + youngMb;
      expect(grown, `${maxMb}`).toBeLessThanOrEqual(2 * maxMb);
    }
  });

  it('lets the room of young objects grow to half of what may be kept', () => {
    const growthAt = (youngMb: number) =>
      heapFlags({ cachedBytes: 0, streams: 0 }, youngMb * MIB, 128 * MIB)['semi-space-growth-factor'];
    expect([growthAt(32), growthAt(63), growthAt(64)]).toEqual([2, 2, 1]);
  });
});
