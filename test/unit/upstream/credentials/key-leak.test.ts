import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsKeyFragment } from '../../../../src/upstream/credentials/key-leak.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = (text: string) => Buffer.from(text).toString('hex');
const everySign = (text: string, write: (code: string) => string) =>
  [...text].map((sign) => write(hex(sign).padStart(2, '0'))).join('');

/** Ways to write a text so that everybody can read it. */
const WAYS: Record<string, (text: string) => string> = {
  plainly: (text) => text,
  backwards: (text) => [...text].reverse().join(''),
  'as JSON': (text) => JSON.stringify(text).slice(1, -1),
  'as JSON with every sign escaped': (text) => everySign(text, (code) => `\\u00${code}`),
  'as JSON with escaped slashes': (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  'for a URL': encodeURIComponent,
  'for a URL, with every sign encoded': (text) => everySign(text, (code) => `%${code.toUpperCase()}`),
  'for a URL, twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'in hexadecimal': hex,
  'in hexadecimal capitals': (text) => hex(text).toUpperCase(),
  'in base64': base64,
  'in base64url': (text) => Buffer.from(text).toString('base64url'),
  'in base64 behind one other byte': (text) => base64(`:${text}`),
  'in base64 behind two other bytes and before others': (text) => base64(`u:${text}@host`),
  'in base64 for a URL': (text) => encodeURIComponent(base64(text)),
};

/** Keys as there may be in a header: signs of ASCII. */
const keys = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 80,
});
const around = fc.stringMatching(/^[ .,:;!?]*$/);

describe('a text mentions the key', () => {
  it.each(Object.entries(WAYS))('that is written %s: property', (_, write) => {
    fc.assert(
      fc.property(keys, around, around, (apiKey, before, behind) => {
        expect(containsKeyFragment(`${before} ${write(apiKey)} ${behind}`, { apiKey })).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('of which eight signs in a row stand in it, and not with seven: property', () => {
    const distinct = fc.shuffledSubarray([...'abcdefghijklmnopqrstuvwxyzABCDEF'], { minLength: 16 });
    fc.assert(
      fc.property(distinct, fc.nat({ max: 8 }), (signs, begin) => {
        const apiKey = signs.join('');
        expect(containsKeyFragment(`req_${apiKey.slice(begin, begin + 8)}`, { apiKey })).toBe(true);
        expect(containsKeyFragment(`. ${apiKey.slice(begin, begin + 7)} .`, { apiKey })).toBe(false);
      }),
    );
  });

  it.each([
    [
      'the beginning that all keys have',
      'Incorrect API key provided: sk-proj-********4242.',
      'sk-proj-Zm9vYmFyYmF6cXV4',
    ],
    ['nothing of it', 'Could not find fine tune: ftjob-abc123', 'sk-proj-Zm9vYmFyYmF6cXV4'],
    ['one too short to be a key', 'none', 'none'],
    ['broken escapes', '%zz \\u00 \\ %', 'sk-proj-Zm9vYmFyYmF6cXV4'],
  ])('not with %s', (_, text, apiKey) => {
    expect(containsKeyFragment(text, { apiKey })).toBe(false);
  });
});
