import { expect, it } from 'vitest';
import { isSharedFile, tokenNotice } from '../../../src/cli/token-notice.ts';

it('a token on a terminal is to be copied at once', () => {
  expect(tokenNotice('ann (viewer)', 'tokens', { isTerminal: true, isShared: false })).toBe(
    'This is the token of ann (viewer). Copy it now: it is shown only once. The file "tokens" keeps only its hash.',
  );
});

it.each([
  ['a file of mode 600', true, 0o100600, 'linux', false],
  ['a file of mode 640', true, 0o100640, 'linux', true],
  ['a file of mode 604', true, 0o100604, 'darwin', true],
  ['a file on Windows', true, 0o100666, 'win32', false],
  ['a pipe', false, 0o10644, 'linux', false],
] as const)('a check tells whether other users may read %s', (_, isFile, mode, platform, isShared) => {
  expect(isSharedFile({ isFile: () => isFile, mode }, platform)).toBe(isShared);
});
