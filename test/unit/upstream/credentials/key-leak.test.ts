import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsKeyFragment } from '../../../../src/upstream/credentials/key-leak.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = (text: string) => Buffer.from(text).toString('hex');
const everyCharacter = (text: string, encode: (code: string) => string) =>
  [...text].map((character) => encode(hex(character).padStart(2, '0'))).join('');

/** Encodings of a text that anyone can decode. */
const ENCODINGS: Record<string, (text: string) => string> = {
  'as plain text': (text) => text,
  reversed: (text) => [...text].reverse().join(''),
  'as JSON': (text) => JSON.stringify(text).slice(1, -1),
  'as JSON with every character escaped': (text) => everyCharacter(text, (code) => `\\u00${code}`),
  'as JSON with escaped slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'for a URL': encodeURIComponent,
  'for a URL, with every character encoded': (text) => everyCharacter(text, (code) => `%${code.toUpperCase()}`),
  'for a URL, twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'in hexadecimal': hex,
  'in hexadecimal capitals': (text) => hex(text).toUpperCase(),
  'in base64': base64,
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'in base64 after one other byte': (text) => base64(`:${text}`),
  'in base64 between other bytes': (text) => base64(`u:${text}@host`),
  'in base64 for a URL': (text) => encodeURIComponent(base64(text)),
};

/** Keys of visible ASCII characters, as allowed in a header. */
const keys = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 80,
});
const around = fc.stringMatching(/^[ .,:;!?]*$/);

describe('containsKeyFragment', () => {
  it.each(Object.entries(ENCODINGS))('detects a key %s: property', (_, encode) => {
    fc.assert(
      fc.property(keys, around, around, (apiKey, before, after) => {
        expect(containsKeyFragment(`${before} ${encode(apiKey)} ${after}`, { apiKey })).toBe(true);
      }),
      { numRuns: 300, examples: [['!!%00!!"', '', '']] },
    );
  });

  it('detects eight consecutive characters of a key, and not seven: property', () => {
    const distinct = fc.shuffledSubarray([...'abcdefghijklmnopqrstuvwxyzABCDEF'], { minLength: 16 });
    fc.assert(
      fc.property(distinct, fc.nat({ max: 8 }), (characters, start) => {
        const apiKey = characters.join('');
        expect(containsKeyFragment(`req_${apiKey.slice(start, start + 8)}`, { apiKey })).toBe(true);
        expect(containsKeyFragment(`. ${apiKey.slice(start, start + 7)} .`, { apiKey })).toBe(false);
      }),
    );
  });

  it.each([
    ['the public prefix of a key', 'Incorrect API key provided: sk-proj-********4242.', 'sk-proj-Zm9vYmFyYmF6cXV4'],
    ['no part of the key', 'Could not find fine tune: ftjob-abc123', 'sk-proj-Zm9vYmFyYmF6cXV4'],
    ['a placeholder key', 'none', 'none'],
    ['invalid escapes', '%zz \\u00 \\ %', 'sk-proj-Zm9vYmFyYmF6cXV4'],
  ])('does not detect %s', (_, text, apiKey) => {
    expect(containsKeyFragment(text, { apiKey })).toBe(false);
  });
});
