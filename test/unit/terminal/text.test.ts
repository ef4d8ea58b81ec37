import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { clean, padded, truncate } from '../../../src/terminal/text.ts';

describe('text in a terminal', () => {
  it('has no control characters', () => {
    expect(clean('a\u001b[2Jb\r\nc\u0007\u202ed\u009b1m')).toBe('a [2Jb  c  d 1m');
  });

  it('has no invisible characters', () => {
    expect(clean('a\u200bb\u200cc\u200dd\u00ade\ufefff\u2028g\u2066h\u{e0041}i')).toBe('a b c d e f g h i');
  });

  it('preserves letters of every script, and graphemes of several characters', () => {
    expect(clean('große Übung 微調整 👩‍🔬 👩🏽‍🔬 ❤️‍🔥')).toBe('große Übung 微調整 👩‍🔬 👩🏽‍🔬 ❤️‍🔥');
  });

  it('is truncated with an ellipsis, and never inside a wide character', () => {
    expect([
      truncate('models', 6),
      truncate('models', 5),
      truncate('微調整', 5),
      truncate('微調整', 4),
      truncate('👩‍🔬👩‍🔬', 3),
    ]).toEqual(['models', 'mode…', '微調…', '微…', '👩‍🔬…']);
  });

  it('is never wider than its limit, and exactly as wide when it is padded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, width) => {
        const line = clean(text);
        expect(stringWidth(truncate(line, width))).toBeLessThanOrEqual(width);
        expect(stringWidth(padded(line, width))).toBe(width);
      }),
    );
  });
});
