import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startScript } from '../../kit/process/process.ts';

const CACHE = 'node_modules/.cache/finetune-gateway';

/** A copy of the program with a directory for packages of its own. Packages are found in the repository, which contains it. */
function install(): string {
  const folder = makeFolder({ 'package.json': readFileSync('package.json', 'utf8'), 'home/file': '' });
  cpSync('src', join(folder, 'src'), { recursive: true });
  mkdirSync(join(folder, 'node_modules'), { mode: 0o755 });
  return folder;
}

/** Starts the copy, asks it once, and stops it. Returns its output, to which Node adds a line for each file of the cache. */
async function startOnce(
  folder: string,
  settings: Record<string, string> = {},
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
) {
  await using upstream = await startUpstream();
  upstream.onJobs([]);
  const environment = {
    PORT: '0',
    OPENAI_BASE_URL: upstream.baseUrl,
    OPENAI_API_KEY: 'any-text',
    HOME: join(folder, 'home'),
    NODE_COMPILE_CACHE: '', // The default directories, not that of the tests.
    NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
    ...settings,
  };
  await using gateway = startScript('src/main.ts', [], environment, folder);
  const [, url = ''] = await gateway.waitForOutput(/listens on (http:\S+\/graphql)/);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: '{"query":"{ fineTuningJobs { nodes { id } } }"}',
  });
  expect(await response.json()).toEqual({ data: { fineTuningJobs: { nodes: [] } } });
  if (signal === 'SIGKILL') await gateway.waitForOutput(/writing cache for ESM \S+src\/app\.ts/);
  gateway.signal(signal);
  expect(await gateway.ended).toBe(signal === 'SIGTERM' ? 0 : null);
  return gateway.output.text;
}

const loadedFiles = (output: string) =>
  [...output.matchAll(/reading cache from .+? for \w+ (\S+?)\.\.\./g)].map(([, file = '']) => file);

const cacheFiles = (folder: string) =>
  readdirSync(join(folder, CACHE), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

describe('the compile cache', () => {
  it('keeps all code for the second start, which loads no part before it is needed', async () => {
    const folder = install();
    await startOnce(folder);
    const output = await startOnce(folder);
    const files = loadedFiles(output);
    expect(files).toContainEqual(expect.stringMatching(/src\/app\.ts$/));
    expect(files.length).toBeGreaterThan(500);
    // Of the program only: V8 rejects code that is loaded after the tuning of its collector, such as undici's parser.
    const misses = output.split('\n').filter((line) => /no such file|was rejected|writing cache/.test(line));
    expect(misses.filter((line) => line.includes(`${folder}/src/`))).toEqual([]);
    const parts =
      /src\/(sandbox\/(?!settings)|terminal\/|server\/transports\/ws)|render-graphiql|gpt-tokenizer|pino-pretty|graphql-ws|\/ws\/|undici\/lib\/web/;
    expect(files.filter((file) => parts.test(file))).toEqual([]);
  });

  it('is on disk soon after the start, so that a killed process leaves it', async () => {
    const folder = install();
    await startOnce(folder, {}, 'SIGKILL');
    expect(cacheFiles(folder).length).toBeGreaterThan(0);
  });

  it('is in a directory of this user only, and in the home directory when the installation is not theirs', async () => {
    const folder = install();
    mkdirSync(join(folder, CACHE), { recursive: true });
    chmodSync(join(folder, CACHE), 0o777); // Another user may have written code into it.
    await startOnce(folder);
    expect(readdirSync(join(folder, CACHE))).toEqual([]);
    expect(readdirSync(join(folder, 'home/.cache/finetune-gateway'))).toHaveLength(1);
    expect(statSync(join(folder, 'home/.cache/finetune-gateway')).mode & 0o777).toBe(0o700);
  });

  it('is not needed: the gateway starts without a directory for it', async () => {
    const folder = install();
    rmdirSync(join(folder, 'node_modules'));
    const output = await startOnce(folder, { XDG_CACHE_HOME: join(folder, 'home/file') });
    expect(loadedFiles(output)).toEqual([]);
  });

  it('is not used when its files are damaged', async () => {
    const folder = install();
    await startOnce(folder);
    for (const file of cacheFiles(folder)) writeFileSync(file, 'not code');
    await startOnce(folder);
  });

  it('is off with NODE_DISABLE_COMPILE_CACHE=1', async () => {
    const folder = install();
    const output = await startOnce(folder, { NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(loadedFiles(output)).toEqual([]);
    expect(existsSync(join(folder, 'node_modules/.cache'))).toBe(false);
  });
});
