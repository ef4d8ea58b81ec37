import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { makeFolder } from '../../kit/process/folder.ts';

/** Starts the script of `npm run sandbox` without npm, so that signals reach the process. */
function start(settings: Record<string, string>) {
  const [exec, command, ...args] = packageJson.scripts.sandbox.split(' ');
  expect([exec, command]).toEqual(['exec', 'node']);
  const env = { PATH: process.env['PATH'], ...settings };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Resolves to the output up to the `curl` command. */
async function readGreeting({
  stdout,
}: ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> }): Promise<string> {
  stdout.setEncoding('utf8');
  let output = '';
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes('curl ') && output.endsWith('\n')) break;
  }
  return output;
}

describe('npm run sandbox', () => {
  it('prints its base URL, and serves the API there', async () => {
    const output = await readGreeting(start({}));
    const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(output) ?? [];
    const response = await fetch(`${baseUrl}/fine_tuning/jobs`, { headers: { authorization: 'Bearer any' } });
    expect(await response.json()).toMatchObject({ object: 'list', has_more: true });
  });

  it('reads its speed and seed from the environment', async () => {
    const output = await readGreeting(start({ SANDBOX_SPEED: '2.5', SANDBOX_SEED: '9' }));
    expect(output).toContain('speed 2.5, seed 9');
  });

  it('accepts writes up to its quota, and the admin key for permissions; removes uploads when it stops', async () => {
    const send = async (output: string, key: string, path: string, body: BodyInit) => {
      const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(output) ?? [];
      const json = typeof body === 'string' && { 'content-type': 'application/json' };
      const headers = { authorization: `Bearer ${key}`, ...json };
      return await fetch(`${baseUrl}${path}`, { method: 'POST', headers, body });
    };
    const folder = makeFolder({});
    const child = start({ SANDBOX_JOBS_PER_DAY: '1', TMPDIR: folder });
    const output = await readGreeting(child);
    const form = new FormData();
    form.append('purpose', 'fine-tune');
    form.append('file', new Blob(['{}']), 'a.jsonl');
    const file = await (await send(output, 'any', '/files', form)).json();
    const body = JSON.stringify({ model: 'gpt-4o-mini', training_file: Object(file).id });
    expect((await send(output, 'any', '/fine_tuning/jobs', body)).status).toBe(200);
    expect((await send(output, 'any', '/fine_tuning/jobs', body)).status).toBe(429);
    const [, adminKey = ''] = /admin key (\S+)\n/.exec(output) ?? [];
    const path = '/fine_tuning/checkpoints/unknown/permissions';
    expect((await send(output, 'any', path, '{}')).status).toBe(403);
    expect((await send(output, adminKey, path, '{}')).status).toBe(404);
    expect(readdirSync(folder)).toHaveLength(1);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(readdirSync(folder)).toEqual([]);
    const configured = await readGreeting(start({ SANDBOX_ADMIN_KEY: 'configured-key' }));
    expect(configured).not.toMatch(/configured-key|admin key/);
    expect((await send(configured, 'configured-key', path, '{}')).status).toBe(404);
  });

  it('warns in one line when it has no writable directory', async () => {
    const directory = join(makeFolder({}), 'missing');
    const child = start({ TMPDIR: directory });
    const warning = text(child.stderr);
    await readGreeting(child);
    child.kill('SIGTERM');
    expect(await warning).toMatch(/^Warning: TMPDIR: the sandbox cannot write to \S+\/missing \(ENOENT\), .+\n$/);
  });

  it('serves the dialect azure', async () => {
    const output = await readGreeting(start({ SANDBOX_DIALECT: 'azure' }));
    const [url = ''] = /http:[^']+/.exec(output.slice(output.indexOf('curl'))) ?? [];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/openai\/fine_tuning\/jobs\?api-version=/);
    const response = await fetch(url, { headers: { 'api-key': 'any' } });
    expect(await response.json()).toMatchObject({ object: 'list', data: { length: 3 } });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with code 0 on %s', async (signal) => {
    const child = start({});
    await readGreeting(child);
    const ended = once(child, 'exit');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  it('reports all invalid settings at once, without a stack', async () => {
    const child = start({ SANDBOX_PORT: 'http', SANDBOX_SPEED: '0', SANDBOX_SEED: '1.5' });
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(output.split('\n')).toEqual([
      'The sandbox cannot start:',
      '  SANDBOX_PORT: expected a whole number from 0 to 65535, such as 4100',
      '  SANDBOX_SPEED: expected a number from 0.001 to 10000, such as 10',
      '  SANDBOX_SEED: expected a whole number from -2147483648 to 2147483647, such as 1',
      '',
    ]);
  });

  it('names the setting when the port is taken', async () => {
    const [port = ''] = /(?<=127\.0\.0\.1:)\d+/.exec(await readGreeting(start({}))) ?? [];
    const child = start({ SANDBOX_PORT: port });
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(output).toMatch(/^The sandbox cannot start:\n {2}SANDBOX_PORT: .*EADDRINUSE.*\n$/);
  });
});
