import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';

describe('the texts of an UpstreamError', () => {
  it('have no control characters, line ends or bidirectional controls: property', () => {
    const unsafe = fc.constantFrom(
      '\u0000',
      '\u001b[2J',
      '\u202e',
      '\u2066',
      '\u061c',
      '\u2028',
      '\r\n',
      'a',
      ' ',
      '.',
    );
    const texts = fc.array(unsafe).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const { message, detail, upstreamMessage } = new UpstreamError(
          'UPSTREAM_REJECTED',
          text,
          {},
          undefined,
          false,
          text,
        );
        for (const shown of [message, detail, upstreamMessage ?? '']) {
          expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
        }
        expect(detail.replaceAll(' ', '')).toBe(text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control} ]/gu, ''));
      }),
    );
  });
});
