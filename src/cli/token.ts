import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { isRole } from '../request/viewer.ts';
import { digestOf, makeToken } from '../server/auth/token.ts';
import { EXPECTED_NAME, EXPECTED_ROLE, isName, parseTokenList } from '../server/auth/token-file.ts';

// The script behind `npm run token`.
const USAGE = 'Usage: npm run token -- NAME ROLE [FILE]; without FILE, AUTH_TOKENS_FILE says where';

/** Ends the process with plain sentences. */
function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

function readArguments(): { name: string; role: string; file: string } {
  const [name = '', role = '', file = process.env['AUTH_TOKENS_FILE'] ?? '', ...rest] = process.argv.slice(2);
  if (role === '' || rest.length > 0) fail(USAGE);
  if (!isName(name)) fail(`NAME: ${EXPECTED_NAME}`);
  if (!isRole(role)) fail(`ROLE: ${EXPECTED_ROLE}`);
  if (file === '') fail('FILE: expected the path of the file of tokens, or AUTH_TOKENS_FILE set to it');
  return { name, role, file };
}

function append({ name, role, file }: ReturnType<typeof readArguments>): string {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const { tokens, problems: faults } = parseTokenList(before);
  if (faults) fail(`${file} has faults:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  if (tokens.some((token) => token.name === name)) fail(`NAME: expected one that ${file} does not have yet`);
  const token = makeToken();
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  appendFileSync(file, `${gap}${name} ${role} ${digestOf(token).toString('hex')}\n`, { mode: 0o600 });
  return token;
}

const { name, role, file } = readArguments();
try {
  process.stdout.write(`${append({ name, role, file })}\n`);
} catch (error) {
  fail(`FILE: expected one that can be read and written (${error instanceof Error ? error.message : error})`);
}
process.stderr.write(`This is the token of ${name} (${role}). It is shown once: ${file} has only its SHA-256.\n`);
