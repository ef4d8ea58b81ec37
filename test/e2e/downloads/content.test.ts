import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { csvOf, toBase64 } from '../../kit/bodies/results.ts';
import { download, errorOf } from '../../kit/client/download.ts';
import { exchange } from '../../kit/client/raw-http.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { askAs, tokenFile } from '../../kit/process/token.ts';

const PATH = '/files/file-1/content';
const RESULTS = '/files/file-result/content';
const LINES = '{"messages":[]}\n'.repeat(1000);
const CSV = csvOf(
  'step,train_loss',
  Array.from({ length: 2000 }, (_, index) => [index + 1, 1.5]),
);

async function start(settings: Record<string, string> = {}) {
  const world = await startWorld(settings);
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.onContent('file-1', LINES);
  world.upstream.onFile(fileBody('file-result', { purpose: 'fine-tune-results', filename: 'step_metrics.csv' }));
  world.upstream.onContent('file-result', toBase64(CSV));
  return world;
}

/** An upstream that serves ranges of the lines, as the Range header requests them. */
function serveRanges(upstream: ScriptedUpstream): void {
  upstream.on(PATH, ({ headers }: IncomingMessage, response: ServerResponse) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const type = { 'content-type': 'text/html', 'accept-ranges': 'bytes' };
    if (from === undefined || to === undefined) {
      response.writeHead(200, { ...type, 'content-length': LINES.length }).end(LINES);
    } else if (Number(from) >= LINES.length) {
      writeResponse(response, 416, 'no', { 'content-range': `bytes */${LINES.length}` });
    } else {
      const part = LINES.slice(Number(from), Number(to) + 1);
      response.writeHead(206, { ...type, 'content-range': `bytes ${from}-${to}/${LINES.length}` }).end(part);
    }
  });
}

describe('the content of a file', () => {
  it('is the bytes of the upstream, in a response that no browser executes and no cache stores', async () => {
    await using world = await start();
    const { status, headers, text } = await download(world.gateway.url, PATH);
    expect([status, text]).toEqual([200, LINES]);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="train.jsonl"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    });
    expect(world.targets()).toEqual(['/files/file-1', '/files/file-1/content']);
    expect(world.gateway.log.findLast(({ msg }) => msg === 'request')).toMatchObject({
      path: PATH,
      route: '/files/ID/content',
      status: 200,
      upstreamCalls: 2,
    });
  });

  it('has the URL contentUrl, relative to the endpoint, also behind a path prefix', async () => {
    await using world = await start();
    world.upstream.onFile(fileBody('file-1?#/ é'));
    world.upstream.onContent('file-1?#/ é', 'content');
    const { file } = await world.ask<{ file: { contentUrl: string } }>('{ file(id: "file-1?#/ é") { contentUrl } }');
    expect(file.contentUrl).toBe('files/file-1%3F%23%2F%20%C3%A9/content');
    const { pathname } = new URL(file.contentUrl, world.gateway.url);
    expect((await download(world.gateway.url, pathname)).text).toBe('content');
    expect(new URL(file.contentUrl, 'https://proxy.example/ft/graphql').pathname).toBe(`/ft${pathname}`);
  });

  it('of a results file is decoded from base64, and raw on request', async () => {
    await using world = await start();
    const decoded = await download(world.gateway.url, RESULTS, { range: 'bytes=0-3' });
    expect(decoded).toMatchObject({ status: 200, text: CSV, headers: { 'content-type': 'text/csv; charset=utf-8' } });
    expect(decoded.headers['accept-ranges']).toBeUndefined();
    const raw = await download(world.gateway.url, `${RESULTS}?raw=1`);
    expect(raw).toMatchObject({ text: toBase64(CSV), headers: { 'content-type': 'application/octet-stream' } });
    world.upstream.onContent('file-result', CSV);
    expect((await download(world.gateway.url, RESULTS)).text).toBe(CSV);
    expect(errorOf(await download(world.gateway.url, `${RESULTS}?raw=yes`))).toEqual({
      status: 400,
      code: 'BAD_USER_INPUT',
      message: 'raw: is "yes"; expected 1, or no such parameter.',
    });
  });

  it('of a results file is decoded for chunks that end at any byte: property', async () => {
    await using world = await start();
    const encoded = Buffer.from(toBase64(`step,name\n${'1,né€😀\n'.repeat(300)}`));
    const borders = fc.uniqueArray(fc.nat(encoded.length), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(borders, async (unsorted) => {
        const ends = [...unsorted.sort((a, b) => a - b), encoded.length];
        world.upstream.onContent(
          'file-result',
          ...ends.map((end, index) => encoded.subarray(ends[index - 1] ?? 0, end)),
        );
        const { text } = await download(world.gateway.url, RESULTS);
        expect(text).toBe(Buffer.from(encoded.toString(), 'base64').toString());
      }),
      { numRuns: 50 },
    );
  });

  it('is served in part where the upstream does so', async () => {
    await using world = await start();
    serveRanges(world.upstream);
    const range = (value: string, more = {}) => download(world.gateway.url, PATH, { range: value, ...more });
    expect(await range('bytes=5-9')).toMatchObject({
      status: 206,
      text: LINES.slice(5, 10),
      headers: {
        'content-range': `bytes 5-9/${LINES.length}`,
        'accept-ranges': 'bytes',
        'content-type': 'application/octet-stream',
      },
    });
    const beyond = await range('bytes=99999-100000');
    expect(errorOf(beyond)).toMatchObject({ status: 416, code: 'BAD_REQUEST' });
    expect(beyond.headers['content-range']).toBe(`bytes */${LINES.length}`);
    const wholes = ['bytes=0-1,4-5', 'lines=0-1', 'bytes=-', 'bytes=9-5x'].map((value) => range(value));
    const conditional = range('bytes=5-9', { 'if-range': '"etag"' });
    for (const whole of await Promise.all([...wholes, conditional])) {
      expect([whole.status, whole.text === LINES]).toEqual([200, true]);
      expect(whole.headers['content-length']).toBe(String(LINES.length));
    }
    world.upstream.onContent('file-1', LINES); // An upstream without ranges.
    expect(await range('bytes=5-9')).toMatchObject({ status: 200, text: LINES });
  });

  it.each([
    ['a part without a range', 206, {}],
    ['a part of several ranges', 206, { 'content-type': 'multipart/byteranges; boundary=x' }],
    ['a part with an injected range', 206, { 'content-range': 'bytes 0-1/<script>' }],
    ['compressed bytes', 200, { 'content-encoding': 'gzip' }],
    ['a redirect', 302, { location: 'http://127.0.0.1:9/' }],
  ])('is 502 when the upstream sends %s', async (_, status, headers) => {
    await using world = await start();
    world.upstream.on(PATH, (__: unknown, response: ServerResponse) => response.writeHead(status, headers).end('{}'));
    const failed = await download(world.gateway.url, PATH, { range: 'bytes=0-1' });
    expect(errorOf(failed)).toMatchObject({ status: 502, code: 'UPSTREAM_INVALID_RESPONSE' });
  });

  it('has no body for HEAD, and the headers of GET', async () => {
    await using world = await start();
    serveRanges(world.upstream);
    const head = 'HEAD /files/file-1/content HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\n';
    const received = exchange(world.gateway.url, `${head}Connection: close\r\n\r\n`);
    const [response] = await received.catch(() => []); // The bytes after the headers would not be a response.
    const { 'content-length': length, 'x-request-id': _, date: __, ...headers } = response?.headers ?? {};
    expect([response?.status, length, response?.body]).toEqual([200, String(LINES.length), '']);
    expect(headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-disposition': expect.any(String) });
    expect((await download(world.gateway.url, RESULTS, {}, 'HEAD')).headers['content-length']).toBeUndefined();
    expect(await download(world.gateway.url, '/files/no/content', {}, 'HEAD')).toMatchObject({ status: 404, text: '' });
  });

  it('has a safe header for any file name: property', async () => {
    await using world = await start();
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({
        unit: fc.constantFrom('"', '\\', '\r\n', 'é', '😀', '/', '..', "'", '%41', '\u202e', '\ud83c', 'a.csv'),
      }),
    );
    let count = 0;
    await fc.assert(
      fc.asyncProperty(name, async (filename) => {
        const id = `file-${++count}`;
        world.upstream.onFile(fileBody(id, { filename }));
        world.upstream.onContent(id, 'x');
        const { status, headers } = await download(world.gateway.url, `/files/${id}/content`);
        expect(status).toBe(200);
        const value = String(headers['content-disposition']);
        const [, ascii = '', , utf8 = ''] =
          /^attachment; filename="([^"\\%]+)"(; filename\*=UTF-8''((?:[\w!#$&+.^`|~-]|%[\dA-F]{2})+))?$/.exec(value) ??
          [];
        expect(ascii).not.toBe('');
        expect(decodeURIComponent(utf8)).not.toMatch(/[\p{Cc}\p{Bidi_Control}/\\]|^\./u);
        expect(ascii).not.toMatch(/[^\x20-\x7e]|[/\\]|^\./);
        expect(value.length).toBeLessThan(2000);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['bericht "A".csv', `attachment; filename="bericht _A_.csv"; filename*=UTF-8''bericht%20%22A%22.csv`],
    ['naïve file.jsonl', `attachment; filename="na_ve file.jsonl"; filename*=UTF-8''na%C3%AFve%20file.jsonl`],
    ['../../etc/passwd', 'attachment; filename="__.._etc_passwd"'],
    ['a\r\nSet-Cookie: x', 'attachment; filename="a_Set-Cookie: x"'],
    [null, 'attachment; filename="file-1"'],
  ])('named %j has the header %s', async (filename, header) => {
    await using world = await start();
    world.upstream.onFile(fileBody('file-1', { filename }));
    expect((await download(world.gateway.url, PATH)).headers['content-disposition']).toBe(header);
  });

  it('has no key of the gateway, wherever the chunks end', async () => {
    const key = 'sk-test-0123456789abcdef';
    await using world = await start({ OPENAI_API_KEY: key });
    const text = `before ${key} after ${key.slice(0, 12)}`;
    for (let end = 0; end <= text.length; end++) {
      world.upstream.onContent('file-1', text.slice(0, end), text.slice(end));
      const { text: received } = await download(world.gateway.url, PATH);
      expect(received).toBe(text.replace(key, '*'.repeat(key.length)));
    }
  });
});

describe('a file that does not exist', () => {
  it.each([
    ['in a traversal', '..%2F..%2Fmodels'],
    ['as dots', '%2e%2e'],
    ['encoded twice', '%252e%252e%252ffiles'],
    ['with a newline', 'file-1%0d%0aHost:%20evil'],
    ['with NUL', 'file-1%00'],
    ['of 10,000 characters', 'a'.repeat(10_000)],
    ['that is not UTF-8', '%ff%fe'],
    ['that is half an escape', '%2'],
  ])('%s is 404 without a call', async (_, id) => {
    await using world = await start();
    for (const path of [`/files/${id}/content`, `/fine_tuning_jobs/${id}/metrics.csv`])
      expect(errorOf(await download(world.gateway.url, path))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(world.upstream.calls).toEqual([]);
  });

  it.each(['file-1?limit=1', 'file-1#x', 'a/b', 'https://evil.example/', 'a b"\'', 'ftjob-日本語'])(
    'with the id %s is 404, and only its own encoded path is called',
    async (id) => {
      await using world = await start();
      const encoded = encodeURIComponent(id);
      const missing = await download(world.gateway.url, `/files/${encoded}/content`);
      expect(errorOf(missing)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      expect(world.upstream.calls.map(({ target }) => target)).toEqual([`/files/${encoded}`]);
    },
  );

  it('is also 404 when only its content is gone, and for any other path', async () => {
    await using world = await start();
    world.upstream.onFile(fileBody('file-2'));
    expect(errorOf(await download(world.gateway.url, '/files/file-2/content'))).toEqual({
      status: 404,
      code: 'NOT_FOUND',
      message: 'Content of the file: "file-2" does not exist; expected an id such as file-abc123.',
    });
    for (const path of ['/files/a/b/content', '/files//content', '/files/file-1', '/fine_tuning_jobs/x/metrics.xml'])
      expect(errorOf(await download(world.gateway.url, path))).toMatchObject({ status: 404, code: 'BAD_REQUEST' });
  });
});

describe('a caller', () => {
  it('without the role operator gets 403 before any call, and contentUrl is null', async () => {
    const { file, tokens } = tokenFile({ vera: 'viewer', otto: 'operator' });
    await using world = await start({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const { url } = world.gateway;
    const get = (token?: string) => download(url, PATH, token ? { authorization: `Bearer ${token}` } : {});
    expect(errorOf(await get(tokens.vera))).toEqual({
      status: 403,
      code: 'FORBIDDEN',
      message: 'Role: is viewer; the content of a file needs the role operator.',
    });
    const anonymous = await get();
    expect(errorOf(anonymous)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect(anonymous.headers['www-authenticate']).toBe('Bearer');
    expect(errorOf(await get('unknown-token'))).toMatchObject({ status: 401 });
    expect(world.upstream.calls).toEqual([]);
    expect((await get(tokens.otto)).text).toBe(LINES);
    const query = '{ file(id: "file-1") { contentUrl } }';
    const urlOf = async (token: string) => (await askAs(url, `Bearer ${token}`, query)).data;
    expect(await urlOf(tokens.vera)).toEqual({ file: { contentUrl: null } });
    expect(await urlOf(tokens.otto)).toEqual({ file: { contentUrl: 'files/file-1/content' } });
  });

  it('with AUTH=passthrough reads with its own key, and gets 401 when the upstream refuses it', async () => {
    await using world = await start({ AUTH: 'passthrough' });
    const get = () => download(world.gateway.url, PATH, { authorization: 'Bearer own-key-1' });
    expect((await get()).text).toBe(LINES);
    expect(world.upstream.calls.map(({ authorization }) => authorization)).toEqual([
      'Bearer own-key-1',
      'Bearer own-key-1',
    ]);
    world.upstream.failAll((_, response) => writeResponse(response, 401, { error: { message: 'no' } }));
    const refused = await get();
    expect(errorOf(refused)).toMatchObject({ status: 401, code: 'UPSTREAM_UNAUTHENTICATED' });
    expect(refused.headers['www-authenticate']).toBe('Bearer');
  });

  it('pays with its points, by the size of the content', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '20' });
    world.upstream.onFile(fileBody('file-1', { bytes: 9 * 1024 * 1024 }));
    const get = () => download(world.gateway.url, PATH);
    expect((await get()).headers).toMatchObject({ 'ratelimit-limit': '20', 'ratelimit-remaining': String(20 - 3 - 9) });
    const refused = await get();
    expect(errorOf(refused)).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(errorOf(await get())).toMatchObject({ status: 429 });
    expect(world.targets()).toEqual(['/files/file-1', '/files/file-1/content']);
  });

  it('of another site is refused unless its origin is allowed, which may also read the headers', async () => {
    const origin = 'https://app.example';
    await using world = await start({ CORS_ORIGINS: origin });
    const get = (headers: Record<string, string>) => download(world.gateway.url, PATH, headers);
    expect((await get({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await get({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await get({ host: 'evil.example' })).status).toBe(421);
    expect(world.upstream.calls).toEqual([]);
    const allowed = await get({ origin, 'sec-fetch-site': 'cross-site' });
    expect(allowed).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': origin } });
    const exposed = String(allowed.headers['access-control-expose-headers']).split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['content-disposition', 'content-range', 'metrics-complete']));
  });

  it('that sends another method gets 405', async () => {
    await using world = await start();
    const refused = await download(world.gateway.url, PATH, {}, 'POST');
    expect(errorOf(refused)).toEqual({
      status: 405,
      code: 'BAD_REQUEST',
      message: 'Method: POST is not supported at /files/ID/content; expected GET.',
    });
    expect(refused.headers['allow']).toBe('GET, HEAD');
  });
});

it.each([
  [429, 429, 'UPSTREAM_RATE_LIMITED'],
  [401, 502, 'UPSTREAM_UNAUTHENTICATED'],
  [403, 403, 'UPSTREAM_FORBIDDEN'],
  [400, 400, 'UPSTREAM_REJECTED'],
  [500, 502, 'UPSTREAM_UNAVAILABLE'],
  [504, 504, 'UPSTREAM_TIMEOUT'],
])('a response %i of the upstream becomes %i with the code %s, and is logged', async (status, expected, code) => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
  upstream.onFile(fileBody('file-1'));
  const error = { error: { message: 'Not allowed to download files of purpose: assistants' } };
  upstream.on(PATH, (_: unknown, response: ServerResponse) =>
    writeResponse(response, status, error, { 'retry-after': '7' }),
  );
  const failed = await download(gateway.url, PATH);
  expect(errorOf(failed)).toMatchObject({ status: expected, code });
  expect(failed.headers).toMatchObject({ 'retry-after': '7', 'cache-control': 'no-store' });
  expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'upstream call failed', code }));
  expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request', errorCodes: [code], status: expected }));
});
