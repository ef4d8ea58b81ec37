import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTextWithinDepth, isWithinDepth } from '../../../../src/upstream/json/depth.ts';

/** Lists nested `depth` deep. */
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const isTextWithin = (text: string, maxDepth: number) => isTextWithinDepth(Buffer.from(text), maxDepth);

describe('the nesting of JSON', () => {
  it.each([1, 2, 100])('of %i levels is within that depth and not within one less', (depth) => {
    const text = nested(depth);
    expect([isWithinDepth(JSON.parse(text), depth), isWithinDepth(JSON.parse(text), depth - 1)]).toEqual([true, false]);
    expect([isTextWithin(text, depth), isTextWithin(text, depth - 1)]).toEqual([true, false]);
  });

  it('is at most 100 levels unless the caller names another maximum', () => {
    expect(isWithinDepth(JSON.parse(nested(100)))).toBe(true);
    expect(isWithinDepth(JSON.parse(nested(101)))).toBe(false);
  });

  it('overflows no stack, however deep the value is', () => {
    expect(isWithinDepth(JSON.parse(nested(5000)))).toBe(false);
  });

  it.each([
    ['"[[["', 1],
    [String.raw`["\"[[["]`, 1],
    [String.raw`["\\",["\\"]]`, 2],
    ['[{},{},[]]', 2],
  ])('does not count brackets within strings, nor closed ones: %s', (text, depth) => {
    expect(isTextWithin(text, depth)).toBe(true);
  });

  it('is the same for a text and for its value: property', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 8 }), (value, maxDepth) => {
        const text = JSON.stringify(value);
        fc.pre(text.length > maxDepth); // A shorter text is not scanned.
        expect(isTextWithin(text, maxDepth)).toBe(isWithinDepth(value, maxDepth));
      }),
    );
  });
});
