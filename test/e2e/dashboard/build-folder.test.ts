import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startScript } from '../../kit/process/process.ts';

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules');

/** A copy of the gateway with an empty cache. Its packages are links to those of this project. */
function install() {
  const root = mkdtempSync(join(tmpdir(), 'finetune-gateway-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync('src', join(root, 'src'), { recursive: true });
  cpSync('package.json', join(root, 'package.json'));
  const packages = join(root, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(NODE_MODULES)) {
    if (name !== '.cache') symlinkSync(join(NODE_MODULES, name), join(packages, name));
  }
  return { root, cache: join(packages, '.cache/finetune-gateway/dashboard') };
}

async function build(root: string): Promise<void> {
  const script = startScript('src/cli/build-dashboard.ts', [], {}, root);
  onTestFinished(() => script[Symbol.asyncDispose]());
  expect(await script.ended, script.output.text).toBe(0);
}

/** The initial script, as a gateway in a process of its own serves it. */
async function servedScript(root: string): Promise<string> {
  const gateway = startScript('src/main.ts', [], { PORT: '0' }, root);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+)graphql/);
  const [, path = ''] = /<script[^>]* src="([^"]+)"/.exec(await (await fetch(url)).text()) ?? [];
  return await (await fetch(new URL(path, url), { headers: { 'accept-encoding': 'identity' } })).text();
}

describe('the stored bundle of the dashboard', () => {
  it.each(['its folder', 'the cache'])('is not served when other users can write to %s', async (writable) => {
    const { root, cache } = install();
    await build(root);
    const [key = ''] = readdirSync(cache);
    const folder = join(cache, key);
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.js')) writeFileSync(join(folder, name), 'changed by another user');
    }
    expect(await servedScript(root)).toBe('changed by another user'); // It is read from the cache.
    chmodSync(writable === 'the cache' ? cache : folder, 0o777);
    expect(await servedScript(root)).toContain('finetune-gateway-theme');
  });

  it('replaces old ones, and what a process left behind that was killed', async () => {
    const { root, cache } = install();
    const young = 'a'.repeat(32);
    mkdirSync(cache, { recursive: true, mode: 0o755 });
    for (const name of [young, 'b'.repeat(32), 'new-killed', 'new-writing']) {
      mkdirSync(join(cache, name));
      writeFileSync(join(cache, name, 'main.js'), '');
    }
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    for (const name of ['b'.repeat(32), 'new-killed']) utimesSync(join(cache, name), twoDaysAgo, twoDaysAgo);
    await build(root);
    const names = readdirSync(cache);
    expect(names).toEqual(expect.arrayContaining([young, 'new-writing']));
    expect(names).toHaveLength(3); // The third one is the new build.
  });
});
