import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { settings } from '../../../src/config/settings.ts';
import { sandboxSettings } from '../../../src/sandbox/settings.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { startByNpm, startScript } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

const MAIN = 'src/main.ts';
const GATEWAY_URL = /listens on (http:\S+\/graphql)/;

const startBefore = ({ baseUrl }: ScriptedUpstream) =>
  startScript(MAIN, [], { PORT: '0', OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: 'any-text' });

async function ask(url: string, query: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return await response.json();
}

describe('npm start', () => {
  it('serves the sandbox without an API key, and its banner says so and how to set one', async () => {
    await using gateway = startScript(MAIN, [], { PORT: '0' });
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    await gateway.waitForOutput(/--help/);
    expect(gateway.output.text).toMatch(/^Upstream: the built-in sandbox with simulated jobs\. Mutations: on\.$/m);
    expect(gateway.output.text).toMatch(/^ {2}OPENAI_API_KEY=… npm start$/m);
    expect(
      await ask(
        url,
        '{ gateway { isSandbox upstreamName version } fineTuningJobs(first: 1) { edges { node { object } } } }',
      ),
    ).toEqual({
      data: {
        gateway: { isSandbox: true, upstreamName: 'sandbox', version: packageJson.version },
        fineTuningJobs: { edges: [{ node: { object: 'FINE_TUNING_JOB' } }] },
      },
    });
  });

  it('collects all garbage of the start when it has no load', async () => {
    const traceGc = "import { setFlagsFromString } from 'node:v8'; setFlagsFromString('--trace-gc')";
    const settings = { PORT: '0', NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(traceGc)}` };
    await using gateway = startScript(MAIN, [], settings);
    await gateway.waitForOutput(/Mark-Compact .* testing;/); // The reason of a collection that a program asks for.
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    expect(await ask(url, '{ gateway { isSandbox } }')).toEqual({ data: { gateway: { isSandbox: true } } });
  });

  it('warns in one line when the sandbox has no writable directory, and serves its jobs', async () => {
    const file = join(makeFolder({ file: '' }), 'file');
    await using gateway = startScript(MAIN, [], { PORT: '0', TMPDIR: file });
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    expect(gateway.output.text).toContain(`Warning: TMPDIR: the sandbox cannot write to ${file} (ENOTDIR), `);
    expect(await ask(url, '{ fineTuningJobs(first: 1) { edges { node { object } } } }')).toMatchObject({
      data: { fineTuningJobs: { edges: { length: 1 } } },
    });
  });

  it('serves the jobs of another server with an API key and a base URL', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    expect(await ask(url, '{ gateway { isSandbox } fineTuningJobs { edges { cursor } } }')).toEqual({
      data: { gateway: { isSandbox: false }, fineTuningJobs: { edges: [] } },
    });
    expect(upstream.calls).toMatchObject([{ authorization: 'Bearer any-text' }]);
    await gateway.waitForOutput(/Mutations: .*\n/);
    expect(gateway.output.text).toContain(
      `\nUpstream: an OpenAI-compatible server, ${upstream.baseUrl}. Mutations: off; ALLOW_MUTATIONS=on allows them.\n`,
    );
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 on %s, after the requests in progress', async (signal) => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    const gate = upstream.hold();
    const response = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    gateway.signal(signal);
    gate.release();
    expect(await response).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect(await gateway.ended).toBe(0);
  });

  it('stops on Ctrl-C after the requests in progress, and says so once', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    const settings = { PORT: '0', OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text' };
    await using npm = startByNpm(settings);
    const [, url = ''] = await npm.waitForOutput(GATEWAY_URL);
    const gate = upstream.hold();
    const response = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    npm.signal('SIGINT');
    await npm.waitForOutput(/Stopping/);
    gate.release();
    expect(await response).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect([0, null]).toContain(await npm.ended); // Null: npm exits by the signal, as shells expect.
    expect(npm.output.text.match(/\nStopping after the requests in progress\..*\n/g)).toHaveLength(1);
  });

  it('stops on SIGTERM to npm after the requests in progress, with 0 and without an orphan', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using npm = startByNpm({ PORT: '0', OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text' });
    const [, url = ''] = await npm.waitForOutput(GATEWAY_URL);
    const gate = upstream.hold();
    const response = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    process.kill(npm.pid, 'SIGTERM'); // Neither to its shell nor to the gateway.
    await npm.waitForOutput(/Stopping/);
    gate.release();
    expect(await response).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect(await npm.ended).toBe(0); // An orphan would hold the output open.
    await expect(fetch(url)).rejects.toThrow();
  });

  it('counts two signals at once as one', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    const gate = upstream.hold();
    const response = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) gateway.signal(signal);
    await gateway.waitForOutput(/Stopping/);
    gate.release();
    expect(await response).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect(await gateway.ended).toBe(0);
  });

  it('exits at once, with 1, on a later second signal', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    const gate = upstream.hold();
    const response = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    const rejection = expect(response).rejects.toThrow();
    await gate.arrived(1);
    let hasEnded = false;
    const ended = gateway.ended.finally(() => {
      hasEnded = true;
    });
    await until(() => {
      gateway.signal('SIGINT');
      return hasEnded;
    });
    expect(await ended).toBe(1);
    await rejection;
    gate.release();
  });

  it('reports all problems of its settings together, and exits with 1', async () => {
    await using gateway = startScript(MAIN, [], {
      PORT: 'web',
      CACHE_MAX_MB: '0',
      LOG_LEVEL: 'loud',
      UPSTREAM: 'openai',
      HOST: '0.0.0.0',
    });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toBe(`The settings are invalid:
  PORT: "web" is not a whole number from 0 to 65535, such as 4000.
  HOST: "0.0.0.0" is not a loopback address; expected one such as 127.0.0.1, or AUTH=tokens. Callers are not authenticated, so everyone who can reach this address could use your upstream credential.
  OPENAI_API_KEY: is not set; expected the API key of the upstream, such as sk-abc123 (any text for a server that needs none), or UPSTREAM=sandbox.
  CACHE_MAX_MB: "0" is not a whole number from 1 to 65536, such as 128.
  LOG_LEVEL: "loud" is not trace, debug, info, warn, error, fatal or silent.
See: npm start -- --help
`);
  });

  it('warns about misspelled settings and old names, and starts', async () => {
    await using gateway = startScript(MAIN, [], {
      PORT: '0',
      CORS_ORIGIN: 'https://app.example',
      SANDBOX_FLAVOUR: 'azure',
    });
    await gateway.waitForOutput(GATEWAY_URL);
    expect(gateway.output.text.match(/^Warning: .*$/gm)).toEqual([
      'Warning: CORS_ORIGIN is set but is not a setting; did you mean CORS_ORIGINS?',
      'Warning: SANDBOX_FLAVOUR is the old name of SANDBOX_DIALECT and still works; rename it to SANDBOX_DIALECT.',
    ]);
  });

  it('names the setting when its port is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await using gateway = startScript(MAIN, [], { PORT: String(port) });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toMatch(
      new RegExp(`^PORT: another program already listens on port ${port}; [^\\n]*\\n$`),
    );
    await using second = startScript(MAIN, [], { PORT: '0', SANDBOX_PORT: String(port) });
    expect(await second.ended).toBe(1);
    expect(second.output.text).toMatch(new RegExp(`^SANDBOX_PORT: another program already listens on port ${port};`));
    await new Promise((resolve) => other.close(resolve));
  });

  it('reads the key from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
    const file = join(folder, 'key');
    writeFileSync(file, 'from-a-file\n');
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startScript(MAIN, [], {
      PORT: '0',
      OPENAI_BASE_URL: upstream.baseUrl,
      OPENAI_API_KEY_FILE: file,
    });
    const [, url = ''] = await gateway.waitForOutput(GATEWAY_URL);
    await ask(url, '{ fineTuningJobs { edges { cursor } } }');
    expect(upstream.calls).toMatchObject([{ authorization: 'Bearer from-a-file' }]);
    await rm(folder, { recursive: true });
  });
});

describe('the sandbox of npm start', () => {
  it('accepts any key on a chosen port', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await using gateway = startScript(MAIN, [], { PORT: '0', SANDBOX_PORT: String(port) });
    await gateway.waitForOutput(GATEWAY_URL);
    const jobs = await fetch(`http://127.0.0.1:${port}/v1/fine_tuning/jobs`, {
      headers: { authorization: 'Bearer any' },
    });
    expect(jobs.status).toBe(200);
  });
});

describe('an address of another machine', () => {
  it.each(['203.0.113.1', 'nowhere.invalid', 'fe80::1'])('%s is reported in one sentence', async (HOST) => {
    await using gateway = startScript(MAIN, [], { PORT: '0', HOST });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toMatch(/^HOST: "[^"]+" is not an address of this machine [^\n]*\n$/);
  });
});

describe('the command line', () => {
  it('--version prints the version alone', async () => {
    await using gateway = startScript(MAIN, ['--version']);
    expect(await gateway.ended).toBe(0);
    expect(gateway.output.text).toBe(`${packageJson.version}\n`);
  });

  it('--help prints every setting with its default', async () => {
    await using gateway = startScript(MAIN, ['--help']);
    expect(await gateway.ended).toBe(0);
    for (const name of settings.keys()) expect(gateway.output.text).toMatch(new RegExp(`^ {2}${name} {2}`, 'm'));
    expect(gateway.output.text).toMatch(/^ {2}PORT .*\(default: 4000\)$/m);
    for (const line of gateway.output.text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  it('names an unknown option, and --help', async () => {
    await using gateway = startScript(MAIN, ['--prot', '5000']);
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toMatch(/--prot/);
    expect(gateway.output.text).toMatch(/npm start -- --help/);
    expect(gateway.output.text).not.toMatch(/ at /);
  });
});

describe('npm run sandbox', () => {
  it('--help names its settings with their defaults, and starts nothing', async () => {
    await using sandbox = startScript('src/sandbox/serve.ts', ['--help']);
    expect(await sandbox.ended).toBe(0);
    for (const name of Object.keys(sandboxSettings)) {
      expect(sandbox.output.text).toMatch(new RegExp(`^ {2}${name} .*\\(default: [^)]+\\)$`, 'm'));
    }
    expect(sandbox.output.text).not.toMatch(/listens on/);
  });

  it('names an unknown option, and offers --help', async () => {
    await using sandbox = startScript('src/sandbox/serve.ts', ['--prot', '5000']);
    expect(await sandbox.ended).toBe(1);
    expect(sandbox.output.text).toMatch(/--prot/);
    expect(sandbox.output.text).toMatch(/npm run sandbox -- --help/);
    expect(sandbox.output.text).not.toMatch(/ at /);
  });
});

describe('on an old Node', () => {
  const guard = readFileSync(join(import.meta.dirname, '../../../src/require-node.cjs'), 'utf8');
  const runOn = (version: string) => {
    const messages: string[] = [];
    const codes: number[] = [];
    const loaded: string[] = [];
    const process = {
      versions: { node: version },
      stderr: { write: (text: string) => messages.push(text) },
      exit: (code: number) => codes.push(code),
    };
    runInNewContext(guard, { process, Number, require: (file: string) => loaded.push(file) });
    return { messages, codes, loaded };
  };

  it('every script prints one message and exits with 1', () => {
    for (const script of [packageJson.scripts.start, packageJson.scripts.dev, packageJson.scripts.sandbox]) {
      expect(script).toMatch(/^exec node --require \.\/src\/require-node\.cjs /);
    }
    expect(runOn('20.20.2')).toEqual({
      messages: [expect.stringMatching(/^Finetune Gateway needs Node\.js 24[^\n]*20\.20\.2[^\n]*\n$/)],
      codes: [1],
      loaded: [],
    });
    expect(runOn('24.0.0')).toEqual({ messages: [], codes: [], loaded: ['./compile-cache.cjs'] });
  });
});
