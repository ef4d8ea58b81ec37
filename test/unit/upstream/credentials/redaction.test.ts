import { describe, expect, it } from 'vitest';
import { redactKey, redactTruncatedKey } from '../../../../src/upstream/credentials/redaction.ts';

const credential = { apiKey: 'test/key+with&signs' };

describe('a text without the key', () => {
  it.each([
    ['plainly', 'a test/key+with&signs b'],
    ['with escaped slashes, as PHP does', 'a test\\/key+with&signs b'],
    ['with escaped signs, as Go and .NET do', 'a test/key\\u002Bwith\\u0026signs b'],
    [
      'with every character escaped',
      `a ${[...credential.apiKey].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')} b`,
    ],
  ])('has it cut out when the upstream writes it %s', (_, text) => {
    expect(redactKey(text, credential)).toBe('a [credential] b');
  });

  it('is what it was when only parts of the key stand in it', () => {
    const text = 'test\\/key and with\\u0026signs';
    expect(redactKey(text, credential)).toBe(text);
  });

  it('keeps a key that is too short to be one', () => {
    expect(redactKey('none of it', { apiKey: 'none' })).toBe('none of it');
  });

  it('has a key cut out that is itself cut off at the end', () => {
    expect(redactTruncatedKey('a test/key+wi', credential)).toBe('a [credential]');
  });
});
