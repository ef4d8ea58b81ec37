import { appendFileSync, existsSync, fstatSync } from 'node:fs';
import { isRole } from '../request/viewer.ts';
import { digestOf, generateToken } from '../server/auth/token.ts';
import { EXPECTED_NAME, EXPECTED_ROLE, isName, parseTokenList, readTokenText } from '../server/auth/token-file.ts';
import { isSharedFile, tokenNotice } from './token-notice.ts';

// The script behind `npm run token`.
const USAGE = `Usage: npm run token -- NAME ROLE [FILE]
Without FILE, AUTH_TOKENS_FILE names the token file. Example: npm run token -- ann operator tokens`;

/** Prints a message that says what to change, and exits with 1. */
function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function readArguments(): { name: string; role: string; file: string } {
  const [name = '', role = '', file = process.env['AUTH_TOKENS_FILE'] ?? '', ...rest] = process.argv.slice(2);
  if (role === '' || rest.length > 0) fail(USAGE);
  if (!isName(name)) fail(`NAME: is invalid; ${EXPECTED_NAME}`);
  if (!isRole(role)) fail(`ROLE: is invalid; ${EXPECTED_ROLE}`);
  if (file === '')
    fail('FILE: is missing; expected the path of the token file, such as tokens, or AUTH_TOKENS_FILE set to it');
  return { name, role, file };
}

/** Appends a line with the digest of a new token, and returns the token. */
function append({ name, role, file }: ReturnType<typeof readArguments>): string {
  const { text: before, problem } = existsSync(file) ? readTokenText(file) : { text: '' };
  if (problem !== undefined) fail(`FILE: ${file} ${problem}`);
  const { tokens, problems } = parseTokenList(before);
  if (problems.length > 0)
    fail(
      `FILE: ${file} has invalid lines; correct them first:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  if (tokens.some((token) => token.name === name)) {
    fail(`NAME: ${file} already has a token of ${name}; choose another name, or delete its line first`);
  }
  const token = generateToken();
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  appendFileSync(file, `${gap}${name} ${role} ${digestOf(token).toString('hex')}\n`, { mode: 0o600 });
  return token;
}

const { name, role, file } = readArguments();
try {
  process.stdout.write(`${append({ name, role, file })}\n`);
} catch (error) {
  fail(
    `FILE: cannot read and write ${file} (${error instanceof Error ? error.message : error}); choose a writable path`,
  );
}
const { fd, isTTY: isTerminal } = process.stdout;
const output = { isTerminal, isShared: isSharedFile(fstatSync(fd), process.platform) };
process.stderr.write(`${tokenNotice(`${name} (${role})`, file, output)}\n`);
