import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteInput } from '../../../../src/server/http/quote-input.ts';

describe('text of a client in a message', () => {
  it.each([
    ['evil.example', '"evil.example"'],
    ['', '""'],
    ['a "b" \\ c', String.raw`"a \"b\" \\ c"`],
    ['line\r\nbreak\0', String.raw`"line\r\nbreak\u0000"`],
    ['right-to-left \u202e', String.raw`"right-to-left \u202e"`],
    ['\u{1f3c3}', String.raw`"\ud83c\udfc3"`],
    ['\ud83c', String.raw`"\ud83c"`],
  ])('is quoted: %j', (text, quoted) => {
    expect(quoteInput(text)).toBe(quoted);
  });

  it('is truncated after 100 characters', () => {
    expect(quoteInput('x'.repeat(100))).toBe(`"${'x'.repeat(100)}"`);
    expect(quoteInput('x'.repeat(101))).toBe(`"${'x'.repeat(100)}..."`);
  });

  it('is printable ASCII of bounded length, and still shows the text: property', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const quoted = quoteInput(text);
        expect(quoted).toMatch(/^[\x20-\x7e]{2,605}$/);
        expect(text.startsWith(JSON.parse(quoted).replace(/\.\.\.$/, ''))).toBe(true);
      }),
    );
  });
});
