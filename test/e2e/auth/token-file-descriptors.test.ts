import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Client } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { startScript } from '../../kit/process/process.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';

/** Fewer file descriptors than a gateway has open. */
const TOO_FEW_FILES = 3;

it('a gateway without free file descriptors accepts its tokens, and reads the file when it has some', async () => {
  const { file, tokens } = tokenFile({ ann: 'viewer' });
  await using gateway = startScript('src/main.ts', [], { PORT: '0', AUTH: 'tokens', AUTH_TOKENS_FILE: file });
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const client = new Client(new URL(url).origin); // One connection: without descriptors the gateway accepts no other.
  onTestFinished(() => client.destroy());
  const ask = async () => {
    const headers = { authorization: `Bearer ${tokens.ann}`, 'content-type': 'application/json' };
    const { statusCode, body } = await client.request({
      path: '/graphql',
      method: 'POST',
      headers,
      body: '{"query":"{ viewer { name } }"}',
    });
    await body.dump();
    return statusCode;
  };
  const limitFiles = (count: number) => execFileSync('prlimit', [`--pid=${gateway.pid}`, `--nofile=${count}:`]);
  expect(await ask()).toBe(200);
  writeFileSync(file, tokenLine('bob', 'viewer'));
  limitFiles(TOO_FEW_FILES);
  const statuses = new Set<number>();
  const askAndRead = async () => {
    statuses.add(await ask());
    return gateway.output.text;
  };
  await expect.poll(askAndRead, { timeout: 10_000 }).toContain('AUTH_TOKENS_FILE cannot be read now');
  expect([...statuses, await ask()]).toEqual([200, 200]);
  limitFiles(1000);
  await expect.poll(ask, { timeout: 10_000 }).toBe(401);
});
