import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeToken } from '../../../../src/server/auth/token.ts';
import { parseTokenList, readTokenList } from '../../../../src/server/auth/token-file.ts';
import { tokenLine } from '../../../kit/process/token.ts';

const HASH = 'a'.repeat(64);

describe('a list of tokens', () => {
  it('has a name, a role and a SHA-256 on each line, among comments, empty lines and spaces', () => {
    const text = `# who may ask\r\n\r\n  ann  viewer\t${HASH}  # of the dashboard\n\nbot@ci.1-x operator ${'B'.repeat(64)}\r\nroot admin ${'0'.repeat(64)}`;
    const { tokens } = parseTokenList(text);
    expect(tokens?.map(({ name, role, digest }) => [name, role, digest.toString('hex')])).toEqual([
      ['ann', 'viewer', HASH],
      ['bot@ci.1-x', 'operator', 'b'.repeat(64)],
      ['root', 'admin', '0'.repeat(64)],
    ]);
  });

  it('may be empty: then nobody is let in', () => {
    expect(parseTokenList('# nobody yet\n')).toEqual({ tokens: [] });
    expect(parseTokenList('')).toEqual({ tokens: [] });
  });

  it.each([
    ['ann viewer', 'expected NAME ROLE SHA256'],
    [`ann viewer ${HASH} more`, 'expected NAME ROLE SHA256'],
    [`a/b viewer ${HASH}`, 'expected a name of at most 64 letters, digits and . _ - @'],
    [`${'n'.repeat(65)} viewer ${HASH}`, 'expected a name of at most 64 letters, digits and . _ - @'],
    [`ann Viewer ${HASH}`, 'expected one of the roles viewer, operator, admin'],
    [`ann toString ${HASH}`, 'expected one of the roles viewer, operator, admin'],
    [`ann viewer ${HASH}a`, "expected the token's SHA-256 in 64 hex digits"],
    [`ann viewer ${'g'.repeat(64)}`, "expected the token's SHA-256 in 64 hex digits"],
  ])('names the line that is wrong, and what was expected: %s', (line, fault) => {
    const text = `# a comment\n${tokenLine('other', 'admin')}${line}\n`;
    expect(parseTokenList(text)).toEqual({ faults: [`line 3: ${fault}`] });
  });

  it('has each name and each token once', () => {
    const token = makeToken();
    const text = [tokenLine('ann', 'viewer', token), tokenLine('ann', 'admin'), tokenLine('bob', 'admin', token)];
    expect(parseTokenList(text.join(''))).toEqual({
      faults: ['line 2: expected another name than on line 1', 'line 3: expected another token than on line 1'],
    });
  });

  it('that is something else altogether is refused in a few sentences', () => {
    expect(parseTokenList('{ "some": "json" } \n'.repeat(10_000)).faults).toEqual([
      ...[1, 2, 3, 4, 5].map((line) => `line ${line}: expected NAME ROLE SHA256`),
      'and 9995 more such lines',
    ]);
  });

  it('is never repeated in its faults: it may hold a token', () => {
    const token = makeToken();
    for (const line of [`ann viewer ${token}`, `${token} viewer ${HASH}`, `ann ${token} ${HASH}`, token]) {
      const { faults } = parseTokenList(line);
      expect(faults).toHaveLength(1);
      expect(String(faults)).not.toContain(token.slice(4));
    }
  });

  it('is read or refused, whatever stands in it: property', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('ann', 'viewer', HASH, '#', ' ', '\n'));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const { tokens, faults } = parseTokenList(words.join(' '));
        expect(tokens === undefined).toBe(faults !== undefined);
      }),
    );
  });

  it('that cannot be read is a fault', () => {
    const faults = ['expected the path of a file that can be read'];
    expect(readTokenList('/nowhere/tokens')).toEqual({ faults });
    expect(readTokenList('/')).toEqual({ faults });
  });
});
