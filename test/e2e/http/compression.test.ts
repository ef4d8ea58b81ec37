import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';
import { until } from '../../kit/until.ts';

const JOBS = '{ fineTuningJobs(first: 50) { nodes { id status suffix createdAt rawStatus } } }';
const SMALL = '{ __typename }';

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** A whole response, as it was sent. */
interface Sent {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  /** The body without its coding. */
  readonly text: string;
}

/** Sends a query by POST, without the decoding that fetch does. */
function send(url: string, query: string, headers: Record<string, string> = {}): Promise<Sent> {
  const { promise, resolve, reject } = Promise.withResolvers<Sent>();
  const options = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  request(url, options)
    .on('error', reject)
    .on('response', (response) => {
      buffer(response).then((bytes) => {
        const decode = decoders[response.headers['content-encoding'] ?? ''] ?? ((body: Buffer) => body);
        resolve({ status: response.statusCode, headers: response.headers, bytes, text: decode(bytes).toString() });
      }, reject);
    })
    .end(JSON.stringify({ query }));
  return promise;
}

const accepting = (url: string, acceptEncoding: string, query = JOBS) =>
  send(url, query, { 'accept-encoding': acceptEncoding });

/** A gateway whose list of jobs is a few KiB, and which keeps it for a minute. */
async function start(settings: Record<string, string> = {}) {
  const world = await startWorld({ CACHE_ACTIVE_MS: '60000', ...settings });
  world.upstream.onJobs(Array.from({ length: 50 }, (_, index) => jobBody({ id: `ftjob-${index}` })));
  return world;
}

describe('a response', () => {
  it.each([
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZIP', 'gzip'],
    ['zstd;q=0.1, br;q=0.5, gzip;q=0.9', 'gzip'],
    ['zstd;q=0, *', 'br'],
    ['*', 'zstd'],
    ['*;q=0.5, gzip;q=0.9', 'gzip'],
    ['gzip;q=0.5, identity', undefined],
    ['identity', undefined],
    ['deflate, compress', undefined],
    ['gzip;q=0', undefined],
    ['', undefined],
    [';;q=,,=', undefined],
  ])('to Accept-Encoding: %s has the coding %s', async (accept, encoding) => {
    await using world = await start();
    const plain = await send(world.gateway.url, JOBS);
    const sent = await accepting(world.gateway.url, accept);
    expect(sent.headers['content-encoding']).toBe(encoding);
    expect(sent.text).toBe(plain.text);
    expect(sent.headers['content-length']).toBe(String(sent.bytes.length));
    expect(sent.bytes.length < plain.bytes.length).toBe(encoding !== undefined);
    for (const { headers } of [sent, plain]) expect(headers.vary).toBe('accept, accept-encoding');
  });

  it('is not compressed below COMPRESSION_MIN_BYTES, unless the client takes nothing else', async () => {
    await using gateway = await startGateway();
    expect((await accepting(gateway.url, 'gzip', SMALL)).headers['content-encoding']).toBeUndefined();
    expect((await accepting(gateway.url, 'gzip, identity;q=0', SMALL)).headers['content-encoding']).toBe('gzip');
    await using all = await startGateway({ COMPRESSION_MIN_BYTES: '0' });
    const long = `{ ${'a'.repeat(99)}: __typename ${'b'.repeat(99)}: __typename ${'c'.repeat(99)}: __typename }`;
    expect((await accepting(all.url, 'gzip', long)).headers['content-encoding']).toBe('gzip');
  });

  it('is never compressed with COMPRESSION=off', async () => {
    await using world = await start({ COMPRESSION: 'off' });
    expect((await accepting(world.gateway.url, 'gzip, br, zstd')).headers['content-encoding']).toBeUndefined();
  });

  it('of a page of another origin is compressed too', async () => {
    await using world = await start({ CORS_ORIGINS: 'https://app.example' });
    const headers = { 'accept-encoding': 'gzip', origin: 'https://app.example' };
    const { headers: sent, text } = await send(world.gateway.url, JOBS, headers);
    expect(sent['content-encoding']).toBe('gzip');
    expect(sent['access-control-allow-origin']).toBe('https://app.example');
    expect(sent.vary).toBe('accept, accept-encoding, origin');
    expect(JSON.parse(text).errors).toBeUndefined();
  });

  it('with errors is compressed by the same rules', async () => {
    await using world = await start();
    const invalid = `{ ${Array.from({ length: 12 }, (_, index) => `unknown${'x'.repeat(100)}${index}`).join(' ')} }`;
    const { headers, text } = await accepting(world.gateway.url, 'br', invalid);
    expect(headers['content-encoding']).toBe('br');
    expect(JSON.parse(text).errors.length).toBeGreaterThan(1);
  });
});

describe('streams and downloads', () => {
  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec="1.0"'])(
    'of %s are sent as they are',
    async (accept) => {
      await using world = await start({ COMPRESSION_MIN_BYTES: '0' });
      const { headers } = await send(world.gateway.url, JOBS, { accept, 'accept-encoding': 'gzip, br, zstd' });
      expect(headers['content-type']).toContain(accept.split(';')[0]);
      expect([headers['content-encoding'], headers['cache-control']]).toEqual([undefined, 'no-store, no-transform']);
    },
  );

  it('of subscriptions and files are sent as they are', async () => {
    await using upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    upstream.onFile(fileBody('file-1'));
    upstream.onContent('file-1', 'a'.repeat(5000));
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, COMPRESSION_MIN_BYTES: '0' });
    const query = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';
    await using stream = await openSse(gateway.url, { query }, { 'accept-encoding': 'gzip, br, zstd' });
    expect(stream.headers.get('content-encoding')).toBeNull();
    const headers = { 'accept-encoding': 'gzip, br, zstd' };
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
    request(new URL('/files/file-1/content', gateway.url), { headers }, resolve).end();
    const download = await promise;
    expect(download.headers['content-encoding']).toBeUndefined();
    expect((await buffer(download)).length).toBe(5000);
  });
});

describe('a cached response', () => {
  it('is compressed once per coding, and these bytes count as cached', async () => {
    await using world = await start();
    const { gateway } = world;
    const plain = await send(gateway.url, JOBS);
    const before = gateway.cachedBytes();
    const first = await accepting(gateway.url, 'br');
    expect(gateway.cachedBytes() - before).toBe(first.bytes.length);
    for (let count = 0; count < 5; count++) expect((await accepting(gateway.url, 'br')).bytes).toEqual(first.bytes);
    expect(gateway.cachedBytes() - before).toBe(first.bytes.length);
    const other = await accepting(gateway.url, 'gzip');
    expect(gateway.cachedBytes() - before).toBe(first.bytes.length + other.bytes.length);
    expect((await send(gateway.url, JOBS)).text).toBe(plain.text);
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('is compressed once for equal requests at the same time', async () => {
    await using world = await start();
    const { gateway } = world;
    const gate = world.upstream.hold();
    const pending = Array.from({ length: 30 }, () => accepting(gateway.url, 'zstd'));
    await gateway.received(30);
    gate.release();
    const all = await Promise.all(pending);
    expect(new Set(all.map(({ headers }) => headers['content-encoding']))).toEqual(new Set(['zstd']));
    expect(new Set(all.map(({ bytes }) => bytes.toString('base64'))).size).toBe(1);
  });

  it('is not sent to a client that leaves meanwhile, and serves the next one', async () => {
    await using world = await start();
    const { gateway } = world;
    const gate = world.upstream.hold();
    const sent = request(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
    });
    sent.on('error', () => {});
    sent.end(JSON.stringify({ query: JOBS }));
    const other = accepting(gateway.url, 'gzip');
    await gateway.received(2);
    gate.release();
    sent.destroy();
    expect((await other).headers['content-encoding']).toBe('gzip');
    await until(() => gateway.log.some(({ isAborted }) => isAborted === true));
    expect(gateway.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });
});
