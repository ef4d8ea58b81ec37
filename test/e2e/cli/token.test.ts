import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { digestOf } from '../../../src/server/auth/token.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startScript } from '../../kit/process/process.ts';
import { askAs, tokenLine } from '../../kit/process/token.ts';

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

  it('makes a file that only its owner reads, with a line for the token, and shows the token once', async () => {
    const file = newFile();
    const { code, output } = await run(['ann', 'operator', file]);
    const [token = '', ...others] = tokensIn(output);
    expect([code, others]).toEqual([0, []]);
    expect(output).toContain(`This is the token of ann (operator). It is shown once: ${file} has only its SHA-256.\n`);
    expect(readFileSync(file, 'utf8')).toBe(`ann operator ${digestOf(token).toString('hex')}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('adds lines to a file, though its last one has no end', async () => {
    const file = newFile();
    const before = `# ours\n${tokenLine('ann', 'admin')}`.trimEnd();
    writeFileSync(file, before);
    await run(['bob', 'viewer'], { AUTH_TOKENS_FILE: file });
    await run(['cem', 'viewer'], { AUTH_TOKENS_FILE: file });
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(`^${before}\\nbob viewer [\\da-f]{64}\\ncem viewer [\\da-f]{64}\\n$`),
    );
  });

  it('makes tokens that a gateway with that file answers', async () => {
    const file = newFile();
    const [token = ''] = tokensIn((await run(['ann', 'admin', file])).output);
    await using gateway = startScript('src/main.ts', [], { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const [, url = ''] = await gateway.said(/answers on (http:\S+\/graphql)/);
    const { data } = await askAs(url, `Bearer ${token}`, '{ viewer { name role } }');
    expect(data).toEqual({ viewer: { name: 'ann', role: 'ADMIN' } });
    expect((await askAs(url, `Bearer ${token}x`, '{ viewer { name } }')).status).toBe(401);
  });

  it.each([
    ['a name that is there already', ['ann', 'viewer'], /^NAME: expected one that \S+ does not have yet\n$/],
    ['an unknown role', ['bob', 'boss'], /^ROLE: expected one of the roles viewer, operator, admin\n$/],
    ['a name that cannot stand in the file', ['b b', 'viewer'], /^NAME: expected a name of at most 64 letters/],
    ['no role', ['bob'], /^Usage: npm run token -- NAME ROLE \[FILE\]/],
    ['nothing', [], /^Usage: npm run token[^\n]*\n$/],
  ])('refuses %s in one sentence, and changes nothing', async (_, args, sentence) => {
    const text = tokenLine('ann', 'viewer');
    const file = join(makeFolder({ tokens: text }), 'tokens');
    const { code, output } = await run(args, { AUTH_TOKENS_FILE: file });
    expect(code).toBe(1);
    expect(output).toMatch(sentence);
    expect(output).not.toMatch(/^ +at |fgw_/m);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('refuses a file with faults, and names its lines', async () => {
    const file = join(makeFolder({ tokens: 'ann viewer\n' }), 'tokens');
    const { code, output } = await run(['bob', 'viewer', file]);
    expect([code, output]).toEqual([1, `${file} has faults:\n  line 1: has 2 fields; expected NAME ROLE SHA256\n`]);
    expect(readFileSync(file, 'utf8')).toBe('ann viewer\n');
  });

  it('says when it is told no file, and when it cannot write there, and then shows no token', async () => {
    expect(await run(['bob', 'viewer'])).toEqual({
      code: 1,
      output: 'FILE: expected the path of the file of tokens, or AUTH_TOKENS_FILE set to it\n',
    });
    const { code, output } = await run(['bob', 'viewer', '/nowhere/tokens']);
    expect(code).toBe(1);
    expect(output).toMatch(/^FILE: expected one that can be read and written \(ENOENT[^\n]*\n$/);
  });
});
