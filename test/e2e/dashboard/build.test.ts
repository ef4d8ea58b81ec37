import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startScript, type TestProcess } from '../../kit/process/process.ts';

const NODE_MODULES = join(import.meta.dirname, '../../../node_modules');

/** A copy of the gateway with an empty cache. Its packages are links to those of this project. */
function copyProject() {
  const root = mkdtempSync(join(tmpdir(), 'finetune-gateway-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync('src', join(root, 'src'), { recursive: true });
  cpSync('package.json', join(root, 'package.json'));
  const packages = join(root, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(NODE_MODULES)) {
    if (name !== '.cache') symlinkSync(join(NODE_MODULES, name), join(packages, name));
  }
  return {
    root,
    source: join(root, 'src/dashboard/main.tsx'),
    bundler: join(root, 'src/server/dashboard/bundle.ts'),
    rules: join(root, 'src/upstream/training-data/example-rules.ts'),
    cache: join(packages, '.cache/finetune-gateway/dashboard'),
  };
}

async function start(root: string, settings: Record<string, string> = {}) {
  const gateway = startScript('src/main.ts', [], { PORT: '0', ...settings }, root);
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+)graphql/);
  return { gateway, url };
}

/** Prints the URL of each module of the bundler and of the dashboard that is loaded. */
const HOOK = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (/esbuild|dashboard\\/(build|bundle)|src\\/dashboard|preact|uplot/.test(url)) console.log('LOADED ' + url);
    return next(url, context);
  },
});`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(HOOK)}`;
const loadedBy = ({ output }: TestProcess) =>
  [...output.text.matchAll(/^LOADED (.*)$/gm)].map(([, module = '']) => module);

describe('the bundle of the dashboard', () => {
  it('is created once for concurrent first requests, and read from the cache by the next process', async () => {
    const { root, cache, bundler } = copyProject();
    const source = readFileSync(bundler, 'utf8');
    const counted = source.replace('return {\n      entries', "console.log('BUNDLED');\n    return {\n      entries");
    expect(counted).not.toBe(source);
    writeFileSync(bundler, counted);
    const { gateway, url } = await start(root);
    const pages = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(url)).text()));
    expect(new Set(pages).size).toBe(1);
    expect(gateway.output.text.match(/^BUNDLED$/gm)).toHaveLength(1);
    expect(readdirSync(cache)).toHaveLength(1);
    const next = await start(root, { ESBUILD_BINARY_PATH: join(root, 'none') });
    expect(await (await fetch(next.url)).text()).toBe(pages[0]);
  });

  it('that fails is a 500 with one log line, and the gateway goes on', async () => {
    const { root, source, cache } = copyProject();
    writeFileSync(source, 'const = ;');
    const { gateway, url } = await start(root);
    const responses = await Promise.all(Array.from({ length: 3 }, () => fetch(url)));
    expect(responses.map(({ status }) => status)).toEqual([500, 500, 500]);
    expect(await responses[0]?.json()).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' } }] });
    await gateway.waitForOutput(/the dashboard cannot be bundled; run `npm run dashboard`/);
    expect(gateway.output.text.match(/the dashboard cannot be bundled/g)).toHaveLength(1);
    expect((await fetch(new URL('health', url))).status).toBe(200);
    cpSync('src/dashboard/main.tsx', source);
    expect((await fetch(url)).status).toBe(200);
    expect(readdirSync(cache)).toHaveLength(1);
  });

  it('is another one when a module of the gateway that it contains has changed', async () => {
    const { root, rules, cache } = copyProject();
    const first = await start(root);
    await (await fetch(first.url)).text();
    appendFileSync(rules, '// Changed.\n');
    const next = await start(root);
    await (await fetch(next.url)).text();
    expect(readdirSync(cache)).toHaveLength(2);
  });

  it('is created in memory where the packages are read-only', async () => {
    const { root, cache } = copyProject();
    mkdirSync(join(cache, '../..'), { recursive: true });
    writeFileSync(join(cache, '..'), 'a file instead of a folder');
    const { url } = await start(root);
    expect((await fetch(url)).status).toBe(200);
  });
});

it('a gateway loads nothing of the dashboard before its first request', async () => {
  const { gateway, url } = await start('.', { NODE_OPTIONS });
  const body = JSON.stringify({ query: '{ fineTuningJobs(first: 1) { nodes { id } } }' });
  await fetch(new URL('graphql', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  await gateway.waitForOutput(/"msg":"request"/);
  expect(loadedBy(gateway)).toEqual([]);
  await (await fetch(url)).text();
  expect(loadedBy(gateway).join()).toContain('dashboard/build');
});
