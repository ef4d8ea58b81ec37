import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateToken } from '../../../../src/server/auth/token.ts';
import { parseTokenList, readTokenList, readTokenText } from '../../../../src/server/auth/token-file.ts';
import { tokenLine } from '../../../kit/process/token.ts';

const HASH = 'a'.repeat(64);

describe('a token list', () => {
  it('has a name, a role and a SHA-256 on each line, between comments, empty lines and spaces', () => {
    const text = `# callers\r\n\r\n  ann  viewer\t${HASH}  # of the dashboard\n\nbot@ci.1-x operator ${'B'.repeat(64)}\r\nroot admin ${'0'.repeat(64)}`;
    const { tokens } = parseTokenList(text);
    expect(tokens.map(({ name, role, digest }) => [name, role, digest.toString('hex')])).toEqual([
      ['ann', 'viewer', HASH],
      ['bot@ci.1-x', 'operator', 'b'.repeat(64)],
      ['root', 'admin', '0'.repeat(64)],
    ]);
  });

  it('can be empty: then no token is valid', () => {
    expect(parseTokenList('# none yet\n')).toEqual({ tokens: [], problems: [] });
    expect(parseTokenList('')).toEqual({ tokens: [], problems: [] });
  });

  it.each([
    ['ann viewer', 'has 2 fields; expected NAME ROLE SHA256'],
    ['ann', 'has 1 field; expected NAME ROLE SHA256'],
    [`ann viewer ${HASH} more`, 'has 4 fields; expected NAME ROLE SHA256'],
    [`a/b viewer ${HASH}`, 'NAME is invalid; expected a name of at most 64 letters, digits and . _ - @, such as ann'],
    [
      `${'n'.repeat(65)} viewer ${HASH}`,
      'NAME is invalid; expected a name of at most 64 letters, digits and . _ - @, such as ann',
    ],
    [`ann Viewer ${HASH}`, 'ROLE is invalid; expected one of the roles viewer, operator, admin'],
    [`ann toString ${HASH}`, 'ROLE is invalid; expected one of the roles viewer, operator, admin'],
    [`ann viewer ${HASH}a`, "SHA256 is invalid; expected the token's SHA-256 in 64 hex digits"],
    [`ann viewer ${'g'.repeat(64)}`, "SHA256 is invalid; expected the token's SHA-256 in 64 hex digits"],
  ])('reports the number of an invalid line, and what is expected: %s', (line, problem) => {
    const text = `# a comment\n${tokenLine('other', 'admin')}${line}\n`;
    const { tokens, problems } = parseTokenList(text);
    expect([tokens.map(({ name }) => name), problems]).toEqual([['other'], [`line 3: ${problem}`]]);
  });

  it('rejects a name or a token that is listed twice', () => {
    const token = generateToken();
    const text = [tokenLine('ann', 'viewer', token), tokenLine('ann', 'admin'), tokenLine('bob', 'admin', token)];
    const { tokens, problems } = parseTokenList(text.join(''));
    expect(tokens).toMatchObject([{ name: 'ann', role: 'viewer' }]);
    expect(problems).toEqual([
      'line 2: NAME is also on line 1; expected another name',
      'line 3: SHA256 is also on line 1; expected another token',
    ]);
  });

  it('reports at most five lines of a file in another format', () => {
    expect(parseTokenList('{ "some": "json" } \n'.repeat(10_000)).problems).toEqual([
      ...[1, 2, 3, 4, 5].map((line) => `line ${line}: has 4 fields; expected NAME ROLE SHA256`),
      'and 9995 more lines',
    ]);
  });

  it('is never quoted in a problem, because it may contain a token', () => {
    const token = generateToken();
    for (const line of [`ann viewer ${token}`, `${token} viewer ${HASH}`, `ann ${token} ${HASH}`, token]) {
      const { problems } = parseTokenList(line);
      expect(problems).toHaveLength(1);
      expect(String(problems)).not.toContain(token.slice(4));
    }
  });

  it('has a token or a problem for each line with words, in any text: property', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('ann', 'viewer', HASH, '#', ' ', '\n'));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const text = words.join(' ');
        const { tokens, problems } = parseTokenList(text);
        const lines = text.split('\n').filter((line) => line.replace(/#.*/, '').trim() !== '');
        if (lines.length <= 5) expect(tokens.length + problems.length).toBe(lines.length);
      }),
    );
  });

  it('reports a file that cannot be read', () => {
    const problems = [
      'cannot be read; expected the path of a token list, which npm run token -- NAME ROLE FILE writes',
    ];
    expect(readTokenList(readTokenText('/nowhere/tokens'))).toEqual({ tokens: [], problems });
    expect(readTokenList(readTokenText('/'))).toEqual({ tokens: [], problems: [`${problems[0]} (it is a directory)`] });
  });
});
