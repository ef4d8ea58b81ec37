import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { digestOf } from '../../../src/server/auth/token.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startScript } from '../../kit/process/process.ts';
import { askAs, tokenLine } from '../../kit/process/token.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SCRIPT = 'src/cli/token.ts';

async function run(args: string[], settings: Record<string, string> = {}) {
  await using script = startScript(SCRIPT, args, settings);
  return { code: await script.ended, output: script.output.text };
}

const newFile = () => join(makeFolder({}), 'tokens');
const tokensIn = (output: string) => output.match(/^fgw_[\w-]{43}$/gm) ?? [];

describe('npm run token', () => {
  it('is a script of the package', () => {
    expect(packageJson.scripts.token).toMatch(new RegExp(`^node --require \\./src/require-node\\.cjs ${SCRIPT}$`));
  });

  it('creates a file that only its owner can read, with a line for the token, and prints the token once', async () => {
    const file = newFile();
    const { code, output } = await run(['ann', 'operator', file]);
    const [token = '', ...others] = tokensIn(output);
    expect([code, others]).toEqual([0, []]);
    expect(output).toContain(
      `The token of ann (operator) is on standard output. The file ${JSON.stringify(file)} keeps only its hash.\n`,
    );
    expect(readFileSync(file, 'utf8')).toBe(`ann operator ${digestOf(token).toString('hex')}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['warns when standard output is a file that other users may read', '022', true],
    ['does not warn after umask 077', '077', false],
  ])('%s', async (_, umask, isWarned) => {
    const folder = makeFolder({});
    const command = `umask ${umask} && "$0" --require ./src/require-node.cjs ${SCRIPT} ann operator "$1/tokens" > "$1/ann.token"`;
    const { stderr } = await promisify(execFile)('sh', ['-c', command, process.execPath, folder], { cwd: ROOT });
    expect(tokensIn(readFileSync(join(folder, 'ann.token'), 'utf8'))).toHaveLength(1);
    expect(stderr).not.toMatch(/fgw_/);
    expect(/^Warning: other users may read [^\n]*umask 077[^\n]*$/m.test(stderr)).toBe(isWarned);
  });

  it('appends lines to a file, also when its last line has no line break', async () => {
    const file = newFile();
    const before = `# ours\n${tokenLine('ann', 'admin')}`.trimEnd();
    writeFileSync(file, before);
    await run(['bob', 'viewer'], { AUTH_TOKENS_FILE: file });
    await run(['cem', 'viewer'], { AUTH_TOKENS_FILE: file });
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(`^${before}\\nbob viewer [\\da-f]{64}\\ncem viewer [\\da-f]{64}\\n$`),
    );
  });

  it('creates tokens that a gateway with that file accepts', async () => {
    const file = newFile();
    const [token = ''] = tokensIn((await run(['ann', 'admin', file])).output);
    await using gateway = startScript('src/main.ts', [], { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
    const { data } = await askAs(url, `Bearer ${token}`, '{ viewer { name role } }');
    expect(data).toEqual({ viewer: { name: 'ann', role: 'ADMIN' } });
    expect((await askAs(url, `Bearer ${token}x`, '{ viewer { name } }')).status).toBe(401);
  });

  it.each([
    ['a name that exists', ['ann', 'viewer'], /^NAME: \S+ already has a token of ann; [^\n]*\n$/],
    ['an unknown role', ['bob', 'boss'], /^ROLE: is invalid; [^\n]*viewer, operator, admin[^\n]*\n$/],
    [
      'an invalid name',
      ['b b', 'viewer'],
      /^NAME: is invalid; expected [^\n]*64 letters[^,\n]*, [^,\n]*, such as ann\n$/,
    ],
    ['no role', ['bob'], /^Usage: npm run token -- NAME ROLE \[FILE\]/],
    ['no arguments', [], /^Usage: npm run token[^\n]*\n[^\n]*\n$/],
  ])('rejects %s with one message, and changes nothing', async (_, args, sentence) => {
    const text = tokenLine('ann', 'viewer');
    const file = join(makeFolder({ tokens: text }), 'tokens');
    const { code, output } = await run(args, { AUTH_TOKENS_FILE: file });
    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toMatch(/^ +at |fgw_/m);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('rejects a file with invalid lines, and names them', async () => {
    const file = join(makeFolder({ tokens: 'ann viewer\n' }), 'tokens');
    const { code, output } = await run(['bob', 'viewer', file]);
    expect(code).toBe(1);
    expect(output).toMatch(
      /^FILE: \S+ has invalid lines; correct them first:\n {2}line 1: [^\n]*NAME ROLE SHA256[^\n]*\n$/,
    );
    expect(readFileSync(file, 'utf8')).toBe('ann viewer\n');
  });

  it('rejects a FIFO in the place of the file, without waiting for a writer', async () => {
    const file = join(makeFolder({}), 'fifo');
    execFileSync('mkfifo', [file]);
    const { code, output } = await run(['bob', 'viewer', file]);
    expect(code).toBe(1);
    expect(output).toMatch(/^FILE: \S+ cannot be read; [^\n]* \(it is a FIFO\)\n$/);
  });

  it('requires a file that it can write, and prints no token otherwise', async () => {
    expect(await run(['bob', 'viewer'])).toEqual({
      code: 1,
      output: 'FILE: is missing; expected the path of the token file, such as tokens, or AUTH_TOKENS_FILE set to it\n',
    });
    const { code, output } = await run(['bob', 'viewer', '/nowhere/tokens']);
    expect(code).toBe(1);
    expect(output).toMatch(/^FILE: cannot read and write \/nowhere\/tokens \(ENOENT[^\n]*\n$/);
  });
});
