import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { answer, type ScriptedUpstream, startUpstream } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';

/** `npm start -- --check`, to its end. */
async function check(settings: Record<string, string> = {}) {
  await using process = startScript('src/main.ts', ['--check'], settings);
  const code = await process.ended;
  return { code, text: process.output.text };
}

const KEY = `test-${crypto.randomUUID()}`;
const checkOn = ({ baseUrl }: ScriptedUpstream) => check({ OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: KEY });

const list =
  (...data: object[]) =>
  (_: IncomingMessage, response: ServerResponse) =>
    answer(response, 200, { object: 'list', data, has_more: false }, { 'x-request-id': 'req-42' });

/** Says an error that repeats the key. */
const refuse = (status: number) => (_: IncomingMessage, response: ServerResponse) =>
  answer(response, status, { error: { message: `${KEY} is wrong`, type: 'x', param: null, code: null } });

describe('--check', () => {
  it('says what it found on the sandbox, and ends with 0', async () => {
    const { code, text } = await check();
    expect(code).toBe(0);
    expect(text).toMatch(/^Finetune Gateway \S+: the configuration has no faults\.$/m);
    expect(text).toMatch(/^The upstream is the built-in sandbox/m);
    expect(text).toMatch(/^The gateway can start\.$/m);
  });

  it('asks each endpoint once, and says how long it took and by which id it is known', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) upstream.on(target, list());
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(0);
    expect(text).toContain(`The upstream is a server of the dialect, ${upstream.baseUrl}.\n`);
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) {
      expect(text).toMatch(new RegExp(`^ {2}GET ${target} answers, after \\d+ ms \\(x-request-id req-42\\)\\.$`, 'm'));
    }
    expect(text).toMatch(/^The credential is accepted\.$/m);
    expect(upstream.calls.map(({ target }) => target)).toEqual([
      '/fine_tuning/jobs?limit=1',
      '/models',
      '/files?limit=1',
    ]);
    expect(upstream.calls.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);
  });

  it('names an endpoint that is missing, and what is lost without it, but ends with 0 while there are jobs', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models']) upstream.on(target, list());
    upstream.on('/files', (_: IncomingMessage, response: ServerResponse) => answer(response, 404, 'not here'));
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(0);
    expect(text).toMatch(/GET \/files is missing: [^\n]* Without it there are no files\.$/m);
  });

  it('says that the key is not accepted, ends with 1, and never shows it', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) upstream.on(target, refuse(401));
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(1);
    expect(text).toMatch(/GET \/fine_tuning\/jobs is refused with status 401: the credential is not accepted/);
    expect(text).toMatch(/^The credential is not accepted\.$/m);
    expect(text).not.toContain(KEY);
  });

  it.each([
    ['a credential without the right', refuse(403), /is refused with status 403: the credential does not allow it/],
    [
      'a broken server',
      refuse(500),
      /GET \/fine_tuning\/jobs fails with status 500, after \d+ ms: \[credential\] is wrong/,
    ],
    ['something else that answers', 'hello', /gives an answer that is not of the dialect/],
    ['a list that is none', { data: {} }, /gives an answer that is not of the dialect/],
  ])('ends with 1 before %s', async (_, script, sentence) => {
    await using upstream = await startUpstream();
    upstream.on('/fine_tuning/jobs', script);
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(1);
    expect(text).toMatch(sentence);
    expect(text).toMatch(/^The gateway would start, but could not answer about jobs\.$/m);
    expect(text).not.toContain(KEY);
  });

  it('says so when nobody is there', async () => {
    const gone = await startUpstream();
    await gone[Symbol.asyncDispose]();
    const { code, text } = await checkOn(gone);
    expect(code).toBe(1);
    expect(text).toMatch(/GET \/fine_tuning\/jobs fails, after \d+ ms: .*ECONNREFUSED/);
    expect(text).toMatch(/^Whether the credential is accepted could not be found out\.$/m);
  });

  it('reports the faults of the configuration as the start does, and asks nobody', async () => {
    await using upstream = await startUpstream();
    const { code, text } = await check({ OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: KEY, PORT: 'web' });
    expect([code, text]).toEqual([
      1,
      'The configuration has faults:\n  PORT: expected a whole number from 0 to 65535\n',
    ]);
    expect(upstream.calls).toEqual([]);
  });

  it('says in one sentence when the port of the sandbox is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo; // Of TCP.
    const { code, text } = await check({ SANDBOX_PORT: String(port) });
    expect(code).toBe(1);
    expect(text).toMatch(/^SANDBOX_PORT: another program listens on \d+ already[^\n]*\n$/);
    await new Promise((resolve) => other.close(resolve));
  });
});
