import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactKey, redactTruncatedKey } from '../../../../src/upstream/credentials/redaction.ts';

const credential = { apiKey: 'test/key+with&signs' };

describe('the redaction of a key', () => {
  it.each([
    ['as plain text', 'a test/key+with&signs b'],
    ['with escaped slashes, as PHP does', 'a test\\/key+with&signs b'],
    ['with escaped punctuation, as Go and .NET do', 'a test/key\\u002Bwith\\u0026signs b'],
    [
      'with every character escaped',
      `a ${[...credential.apiKey].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')} b`,
    ],
  ])('applies when the upstream writes it %s', (_, text) => {
    expect(redactKey(text, credential)).toBe('a [credential] b');
  });

  it('does not apply to parts of a key', () => {
    const text = 'test\\/key and with\\u0026signs';
    expect(redactKey(text, credential)).toBe(text);
  });

  it('does not apply to a placeholder key', () => {
    expect(redactKey('none of it', { apiKey: 'none' })).toBe('none of it');
  });

  it('applies to a key that is truncated at the end of the text', () => {
    expect(redactTruncatedKey('a test/key+wi', credential)).toBe('a [credential]');
  });

  it('applies to every spelling of both keys among other escapes: property', () => {
    const both = { apiKey: 'test/key+one', adminKey: 'test/admin&two' };
    const spellings = [both.apiKey, both.adminKey].map((key) =>
      fc
        .array(fc.constantFrom('plain', 'backslash', 'code'), { minLength: key.length, maxLength: key.length })
        .map((forms) => [...key].map((character, at) => spell(character, forms[at] ?? 'plain')).join('')),
    );
    const other = fc.constantFrom('a', '\\n', '\\"', '\\u00e9', ' ', '/', '\\/', 'test');
    fc.assert(
      fc.property(fc.array(fc.oneof(other, ...spellings.map((text) => text.map((key) => `<${key}>`)))), (parts) => {
        const redacted = parts.map((part) => (part.startsWith('<') ? '<[credential]>' : part)).join('');
        expect(redactKey(parts.join(''), both)).toBe(redacted);
      }),
    );
  });
});

function spell(character: string, form: string): string {
  if (form === 'code') return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return form === 'backslash' && character === '/' ? '\\/' : character;
}
