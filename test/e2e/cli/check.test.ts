import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startIssuer } from '../../kit/gateway/issuer.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { priceFile } from '../../kit/process/prices.ts';
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
    writeResponse(response, 200, { object: 'list', data, has_more: false }, { 'x-request-id': 'req-42' });

/** Responds with an error that repeats the key. */
const reject = (status: number) => (_: IncomingMessage, response: ServerResponse) =>
  writeResponse(response, status, { error: { message: `${KEY} is wrong`, type: 'x', param: null, code: null } });

describe('--check', () => {
  it('reports on the sandbox, and exits with 0', async () => {
    const { code, text } = await check();
    expect(code).toBe(0);
    expect(text).toMatch(/^Finetune Gateway \S+: the settings are valid\.$/m);
    expect(text).toMatch(/^Upstream: the built-in sandbox/m);
    expect(text).toMatch(/^The gateway can start\.$/m);
    expect(text).not.toMatch(/Warning/);
  });

  it('names the faults of the price file, and exits with 1', async () => {
    const { code, text } = await check({ PRICES_FILE: priceFile({ amount: 0 }) });
    expect(code).toBe(1);
    expect(text).toContain(
      'PRICES_FILE: entry 1 ("gpt-4.1-mini*"), amount: is 0; expected a number above 0, such as 5',
    );
    expect(text).not.toContain('The gateway can start.');
  });

  it('warns in one line when the sandbox has no writable directory, and exits with 0', async () => {
    const directory = join(makeFolder({}), 'missing');
    const { code, text } = await check({ TMPDIR: directory });
    expect(code).toBe(0);
    const warnings = text.split('\n').filter((line) => line.startsWith('Warning'));
    expect(warnings).toEqual([expect.stringContaining(`TMPDIR: the sandbox cannot write to ${directory} (ENOENT), `)]);
    expect(warnings[0]).toContain('set TMPDIR to a writable directory');
    expect(text).toMatch(/^The gateway can start\.$/m);
  });

  it('calls each list endpoint once, and reports its time and its request id', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) upstream.on(target, list());
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(0);
    expect(text).toContain(`Upstream: an OpenAI-compatible server, ${upstream.baseUrl}.\n`);
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) {
      expect(text).toMatch(new RegExp(`^ {2}GET ${target} succeeded after \\d+ ms \\(x-request-id req-42\\)\\.$`, 'm'));
    }
    expect(text).toMatch(/^The credential is valid\.$/m);
    expect(upstream.calls.map(({ target }) => target)).toEqual([
      '/fine_tuning/jobs?limit=1',
      '/models',
      '/files?limit=1',
    ]);
    expect(upstream.calls.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);
  });

  it('reports a missing endpoint and its effect, but exits with 0 while there are jobs', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models']) upstream.on(target, list());
    upstream.on('/files', (_: IncomingMessage, response: ServerResponse) => writeResponse(response, 404, 'not here'));
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(0);
    expect(text).toMatch(
      /GET \/files failed with status 404 after \d+ ms: the server has no such endpoint\. Check the base URL\. It ends in \/v1 on most servers\. The gateway has no files without this endpoint\.$/m,
    );
  });

  it('reports an invalid key, exits with 1, and never shows the key', async () => {
    await using upstream = await startUpstream();
    for (const target of ['/fine_tuning/jobs', '/models', '/files']) upstream.on(target, reject(401));
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(1);
    expect(text).toMatch(
      /GET \/fine_tuning\/jobs failed with status 401 after \d+ ms: the credential is not valid\. Check OPENAI_API_KEY\./,
    );
    expect(text).toMatch(/^The credential is not valid\.$/m);
    expect(text).not.toContain(KEY);
  });

  it.each([
    [
      'a credential without permission',
      reject(403),
      /failed with status 403 .*: the credential has no permission for it\./,
    ],
    [
      'a broken server',
      reject(500),
      /failed with status 500 after \d+ ms: \[credential\] is wrong\. Check the base URL/,
    ],
    [
      'a broken server that sends no message',
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(500).end(),
      /failed with status 500 after \d+ ms: the response has no error message\. Check the base URL/,
    ],
    [
      'a rejected request, with the message of the upstream',
      (_: IncomingMessage, response: ServerResponse) =>
        writeResponse(response, 400, { error: { message: 'No such organization: org-1.' } }),
      /failed with status 400 after \d+ ms: No such organization: org-1\. Check the base URL, and the organization and project of the API key\./,
    ],
    ['another kind of server', 'hello', /: the response is not one of this API\. Check the base URL\./],
    ['a list without items', { data: {} }, /: the response is not one of this API\. Check the base URL\./],
  ])('exits with 1 on %s', async (_, script, sentence) => {
    await using upstream = await startUpstream();
    upstream.on('/fine_tuning/jobs', script);
    const { code, text } = await checkOn(upstream);
    expect(code).toBe(1);
    expect(text).toMatch(sentence);
    expect(text).toMatch(/^The gateway would start, but could not return any jobs\.$/m);
    expect(text).not.toContain(KEY);
  });

  it('prints each line as soon as it is known', async () => {
    await using upstream = await startUpstream();
    upstream.on('/fine_tuning/jobs', list());
    upstream.on('/models', () => {}); // Never responds.
    const settings = { OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: KEY };
    await using process = startScript('src/main.ts', ['--check'], settings);
    await process.waitForOutput(/^ {2}GET \/fine_tuning\/jobs succeeded after .*\n$/m);
    expect(process.output.text).not.toMatch(/GET \/models|The gateway/);
  });

  it('reports an upstream that does not listen', async () => {
    const gone = await startUpstream();
    await gone[Symbol.asyncDispose]();
    const { code, text } = await checkOn(gone);
    expect(code).toBe(1);
    expect(text).toMatch(/GET \/fine_tuning\/jobs failed after \d+ ms: .*ECONNREFUSED.*Check the base URL/);
    expect(text).toMatch(/^The credential could not be checked\.$/m);
  });

  it('reports invalid settings as the start does, and calls no upstream', async () => {
    await using upstream = await startUpstream();
    const { code, text } = await check({ OPENAI_BASE_URL: upstream.baseUrl, OPENAI_API_KEY: KEY, PORT: 'web' });
    expect(code).toBe(1);
    expect(text).toBe(`The settings are invalid:
  PORT: "web" is not a whole number from 0 to 65535, such as 4000.
See: npm start -- --help
`);
    expect(upstream.calls).toEqual([]);
  });

  it('warns about a misspelled setting', async () => {
    const { code, text } = await check({ ALLOW_MUTATION: 'on' });
    expect(code).toBe(0);
    expect(text).toContain('Warning: ALLOW_MUTATION is set but is not a setting; did you mean ALLOW_MUTATIONS?\n');
  });

  it('names the setting when the port of the sandbox is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo; // Of TCP.
    const { code, text } = await check({ SANDBOX_PORT: String(port) });
    expect(code).toBe(1);
    expect(text).toMatch(/^SANDBOX_PORT: another program already listens on port \d+; [^\n]*\n$/);
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('--check with JWTs', () => {
  it('reads the keys of each issuer, and exits with 0', async () => {
    await using issuer = await startIssuer();
    const { code, text } = await check(issuer.settings);
    expect(code).toBe(0);
    expect(text).toMatch(/^Issuers of JWTs:$/m);
    expect(text).toContain(`  ${issuer.url} has 1 key for signatures, read after `);
    expect(text).toMatch(/^The gateway can start\.$/m);
    expect(issuer.reads).toEqual({ discovery: 1, keys: 1 });
  });

  it('exits with 1 when an issuer fails, with the reason', async () => {
    await using issuer = await startIssuer();
    const { code, text } = await check({ ...issuer.settings, JWT_ISSUERS: `${issuer.url},${issuer.url}/` });
    expect(code).toBe(1);
    expect(text).toContain(`  ${issuer.url} has 1 key`);
    expect(text).toMatch(/ failed after \d+ ms: \S+ is of the issuer \S+; expected exactly \S+\. Check JWT_ISSUERS/);
    expect(text).toMatch(/^The gateway would start, but could not verify JWTs of each issuer\.$/m);
  });

  it('exits with 1 when an issuer has no key for signatures', async () => {
    await using issuer = await startIssuer();
    issuer.keys.splice(0, 1, { kty: 'oct', k: 'AAAA' });
    const { code, text } = await check(issuer.settings);
    expect([code, text.includes('has 0 keys for signatures')]).toEqual([1, true]);
  });
});
