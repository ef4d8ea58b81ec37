import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { settings } from '../../../src/config/config.ts';
import { sandboxSettings } from '../../../src/sandbox/settings.ts';
import { type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { startByNpm, startScript } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

const MAIN = 'src/main.ts';
const URL_SAID = /answers on (http:\S+\/graphql)/;

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
  it('without a key answers from the sandbox, and its banner says so and how to use a key', async () => {
    await using gateway = startScript(MAIN, [], { PORT: '0' });
    const [, url = ''] = await gateway.said(URL_SAID);
    await gateway.said(/--help/);
    expect(gateway.output.text).toMatch(/sandbox/);
    expect(gateway.output.text).toMatch(/UPSTREAM=openai OPENAI_API_KEY=… npm start/);
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

  it('with a key and a base URL answers with the jobs of that server', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.said(URL_SAID);
    expect(await ask(url, '{ gateway { isSandbox } fineTuningJobs { edges { cursor } } }')).toEqual({
      data: { gateway: { isSandbox: false }, fineTuningJobs: { edges: [] } },
    });
    expect(upstream.calls).toMatchObject([{ authorization: 'Bearer any-text' }]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 at %s, after the answers under way', async (signal) => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.said(URL_SAID);
    const gate = upstream.hold();
    const answer = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    gateway.signal(signal);
    gate.release();
    expect(await answer).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect(await gateway.ended).toBe(0);
  });

  it('ends at Ctrl-C after the answers under way, and says so once', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    const settings = { PORT: '0', OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: 'any-text' };
    await using npm = startByNpm(settings);
    const [, url = ''] = await npm.said(URL_SAID);
    const gate = upstream.hold();
    const answer = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    npm.signal('SIGINT');
    await npm.said(/Stopping/);
    gate.release();
    expect(await answer).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect([0, null]).toContain(await npm.ended); // Null: npm has ended by the signal, as shells want to know.
    expect(npm.output.text).toMatch(/\nStopping, after the requests under way\.\n(\{.*\}\n)*$/); // And log lines.
  });

  it('takes a signal that comes twice at once for one', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.said(URL_SAID);
    const gate = upstream.hold();
    const answer = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    await gate.arrived(1);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) gateway.signal(signal);
    await gateway.said(/Stopping/);
    gate.release();
    expect(await answer).toEqual({ data: { fineTuningJobs: { edges: [] } } });
    expect(await gateway.ended).toBe(0);
  });

  it('ends at once, with 1, at another signal later', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = startBefore(upstream);
    const [, url = ''] = await gateway.said(URL_SAID);
    const gate = upstream.hold();
    const answer = ask(url, '{ fineTuningJobs { edges { cursor } } }');
    const cutOff = expect(answer).rejects.toThrow();
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
    await cutOff;
    gate.release();
  });

  it('reports all faults of its configuration together, in plain sentences, and ends with 1', async () => {
    await using gateway = startScript(MAIN, [], {
      PORT: 'web',
      CACHE_MAX_MB: '0',
      LOG_LEVEL: 'loud',
      UPSTREAM: 'openai',
      HOST: '0.0.0.0',
    });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toBe(`The configuration has faults:
  PORT: expected a whole number from 0 to 65535
  CACHE_MAX_MB: expected a whole number from 1 to 65536
  LOG_LEVEL: expected trace, debug, info, warn, error, fatal or silent
  OPENAI_API_KEY: expected the upstream credential (any text for a server that needs none), or UPSTREAM=sandbox
  HOST: expected a loopback address such as 127.0.0.1, or AUTH=tokens: callers are not authenticated, so everybody who reached another address could use your upstream credential
`);
  });

  it('says in one sentence when its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await using gateway = startScript(MAIN, [], { PORT: String(port) });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toMatch(new RegExp(`^PORT: another program listens on ${port} already[^\\n]*\\n$`));
    await using second = startScript(MAIN, [], { PORT: '0', SANDBOX_PORT: String(port) });
    expect(await second.ended).toBe(1);
    expect(second.output.text).toMatch(new RegExp(`^SANDBOX_PORT: another program listens on ${port} already`));
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
    const [, url = ''] = await gateway.said(URL_SAID);
    await ask(url, '{ fineTuningJobs { edges { cursor } } }');
    expect(upstream.calls).toMatchObject([{ authorization: 'Bearer from-a-file' }]);
    await rm(folder, { recursive: true });
  });
});

describe('the sandbox of npm start', () => {
  it('takes any key at a port that somebody chose', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await using gateway = startScript(MAIN, [], { PORT: '0', SANDBOX_PORT: String(port) });
    await gateway.said(URL_SAID);
    const jobs = await fetch(`http://127.0.0.1:${port}/v1/fine_tuning/jobs`, {
      headers: { authorization: 'Bearer any' },
    });
    expect(jobs.status).toBe(200);
  });
});

describe('an address that this machine does not have', () => {
  it.each(['203.0.113.1', 'nowhere.invalid', 'fe80::1'])('%s is named in one sentence', async (HOST) => {
    await using gateway = startScript(MAIN, [], { PORT: '0', HOST });
    expect(await gateway.ended).toBe(1);
    expect(gateway.output.text).toMatch(/^HOST: expected an address of this machine, which [^\n]*\n$/);
  });
});

describe('the command line', () => {
  it('--version gives the version alone', async () => {
    await using gateway = startScript(MAIN, ['--version']);
    expect(await gateway.ended).toBe(0);
    expect(gateway.output.text).toBe(`${packageJson.version}\n`);
  });

  it('--help names every setting with its default', async () => {
    await using gateway = startScript(MAIN, ['--help']);
    expect(await gateway.ended).toBe(0);
    for (const name of Object.keys(settings)) expect(gateway.output.text).toContain(`  ${name} `);
    expect(gateway.output.text).toMatch(/PORT .*\(default: 4000\)/);
  });

  it('an unknown option is named, and --help is offered', async () => {
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
    const said: string[] = [];
    const codes: number[] = [];
    const process = {
      versions: { node: version },
      stderr: { write: (text: string) => said.push(text) },
      exit: (code: number) => codes.push(code),
    };
    runInNewContext(guard, { process, Number });
    return { said, codes };
  };

  it('every script says one plain sentence and ends with 1', () => {
    for (const script of [packageJson.scripts.start, packageJson.scripts.dev, packageJson.scripts.sandbox]) {
      expect(script).toMatch(/^node --require \.\/src\/require-node\.cjs /);
    }
    expect(runOn('20.20.2')).toEqual({
      said: [expect.stringMatching(/^Finetune Gateway needs Node\.js 24[^\n]*20\.20\.2[^\n]*\n$/)],
      codes: [1],
    });
    expect(runOn('24.0.0')).toEqual({ said: [], codes: [] });
  });
});
