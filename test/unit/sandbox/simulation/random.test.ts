import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../src/sandbox/simulation/random.ts';

describe('createRandom', () => {
  it('returns the same values for the same key', () => {
    expect(createRandom(1, 'a').text(40)).toBe(createRandom(1, 'a').text(40));
  });

  it('returns other values for another key', () => {
    expect(createRandom(1, 'a').text(40)).not.toBe(createRandom(1, 'b').text(40));
    expect(createRandom(1, 23).text(40)).not.toBe(createRandom(12, 3).text(40));
  });

  it('returns integers within both bounds', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(50), (key, min, width) => {
        const drawn = createRandom(key).int(min, min + width);
        expect(Number.isInteger(drawn) && drawn >= min && drawn <= min + width).toBe(true);
      }),
    );
  });

  it('returns uniform integers', () => {
    const random = createRandom('dice');
    const counts = new Map<number, number>();
    for (let roll = 0; roll < 6000; roll += 1) {
      const face = random.int(1, 6);
      counts.set(face, (counts.get(face) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('throws for an empty list', () => {
    expect(() => createRandom(1).pick([])).toThrow(RangeError);
  });
});
