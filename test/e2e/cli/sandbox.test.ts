import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { makeFolder } from '../../kit/process/folder.ts';

/** What `npm run sandbox` runs, without npm in between, so that a signal reaches the very process. */
function start(settings: Record<string, string>) {
  const [command, ...args] = packageJson.scripts.sandbox.split(' ');
  expect(command).toBe('node');
  const env = { PATH: process.env['PATH'], ...settings };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function greeting({ stdout }: ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> }): Promise<string> {
  stdout.setEncoding('utf8');
  let said = '';
  for await (const part of stdout.iterator({ destroyOnReturn: false })) {
    said += part;
    if (said.includes('curl ') && said.endsWith('\n')) break;
  }
  return said;
}

describe('npm run sandbox', () => {
  it('says where it listens, and answers there', async () => {
    const said = await greeting(start({}));
    const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(said) ?? [];
    const response = await fetch(`${baseUrl}/fine_tuning/jobs`, { headers: { authorization: 'Bearer any' } });
    expect(await response.json()).toMatchObject({ object: 'list', has_more: true });
  });

  it('takes its port, speed and seed from the environment', async () => {
    const one = await greeting(start({ SANDBOX_SPEED: '2.5', SANDBOX_SEED: '9' }));
    expect(one).toContain('speed 2.5, seed 9');
  });

  it('takes writes, up to its quota, and permissions with the admin key that it says or is told; uploads go with it', async () => {
    const send = async (said: string, key: string, path: string, body: BodyInit) => {
      const [baseUrl] = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(said) ?? [];
      const json = typeof body === 'string' && { 'content-type': 'application/json' };
      const headers = { authorization: `Bearer ${key}`, ...json };
      return await fetch(`${baseUrl}${path}`, { method: 'POST', headers, body });
    };
    const folder = makeFolder({});
    const child = start({ SANDBOX_JOBS_PER_DAY: '1', TMPDIR: folder });
    const said = await greeting(child);
    const form = new FormData();
    form.append('purpose', 'fine-tune');
    form.append('file', new Blob(['{}']), 'a.jsonl');
    const file = await (await send(said, 'any', '/files', form)).json();
    const asked = JSON.stringify({ model: 'gpt-4o-mini', training_file: Object(file).id });
    expect((await send(said, 'any', '/fine_tuning/jobs', asked)).status).toBe(200);
    expect((await send(said, 'any', '/fine_tuning/jobs', asked)).status).toBe(429);
    const [, adminKey = ''] = /admin key (\S+)\n/.exec(said) ?? [];
    const path = '/fine_tuning/checkpoints/nobody/permissions';
    expect((await send(said, 'any', path, '{}')).status).toBe(403);
    expect((await send(said, adminKey, path, '{}')).status).toBe(404);
    expect(readdirSync(folder)).toHaveLength(1);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(readdirSync(folder)).toEqual([]);
    const told = await greeting(start({ SANDBOX_ADMIN_KEY: 'told-before' }));
    expect(told).not.toMatch(/told-before|admin key/);
    expect((await send(told, 'told-before', path, '{}')).status).toBe(404);
  });

  it('answers as Azure does when told to', async () => {
    const said = await greeting(start({ SANDBOX_DIALECT: 'azure' }));
    const [url = ''] = /http:[^']+/.exec(said.slice(said.indexOf('curl'))) ?? [];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/openai\/fine_tuning\/jobs\?api-version=/);
    const response = await fetch(url, { headers: { 'api-key': 'any' } });
    expect(await response.json()).toMatchObject({ object: 'list', data: { length: 3 } });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends well on %s', async (signal) => {
    const child = start({});
    await greeting(child);
    const ended = once(child, 'exit');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  it('reports all faults of its settings at once, without a stack', async () => {
    const child = start({ SANDBOX_PORT: 'http', SANDBOX_SPEED: '0', SANDBOX_SEED: '1.5' });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(said.split('\n')).toEqual([
      'The sandbox cannot start:',
      '  SANDBOX_PORT: expected a whole number from 0 to 65535',
      '  SANDBOX_SPEED: expected a number from 0.001 to 10000',
      '  SANDBOX_SEED: expected a whole number from -2147483648 to 2147483647',
      '',
    ]);
  });

  it('names the setting when the port is taken', async () => {
    const [port = ''] = /(?<=127\.0\.0\.1:)\d+/.exec(await greeting(start({}))) ?? [];
    const child = start({ SANDBOX_PORT: port });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(said).toMatch(/^The sandbox cannot start:\n {2}SANDBOX_PORT: .*EADDRINUSE.*\n$/);
  });
});
