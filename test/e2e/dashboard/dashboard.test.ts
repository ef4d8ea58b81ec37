import { execFileSync } from 'node:child_process';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
  request(new URL(path, gateway.url), { method, headers });

/** The paths of the assets that the page refers to, relative to the page. */
async function assetsOfPage(): Promise<string[]> {
  const html = await (await get('/')).body.text();
  return [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path = '']) => path);
}

const assetOf = async (pattern: RegExp) => `/${(await assetsOfPage()).find((path) => pattern.test(path))}`;

describe('the page of the dashboard', () => {
  it('is HTML for every client, with relative URLs and without inline scripts and styles', async () => {
    for (const accept of ['text/html', '*/*', 'application/json']) {
      const { statusCode, headers, body } = await get('/', { accept });
      expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      const html = await body.text();
      expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
      const urls = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
      expect(urls.filter((url) => !/^(assets\/[\w.-]+|graphql)$/.test(url ?? ''))).toEqual([]);
    }
  });

  it('allows the browser only its own origin, and no script from text', async () => {
    const { headers, body } = await get('/');
    await body.dump();
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(String(headers['content-security-policy']).split('; ')).toEqual([
      "default-src 'self'",
      "img-src 'self' data:",
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it('is 304 for a browser that has it', async () => {
    const first = await get('/');
    await first.body.dump();
    const { statusCode, headers, body } = await get('/', { 'if-none-match': String(first.headers['etag']) });
    expect([statusCode, await body.text()]).toEqual([304, '']);
    expect(headers['content-security-policy']).toBe(first.headers['content-security-policy']);
  });

  it('has no body for HEAD, and is 405 for POST', async () => {
    const head = await get('/', {}, 'HEAD');
    expect([head.statusCode, await head.body.text()]).toEqual([200, '']);
    const post = await get('/', {}, 'POST');
    expect([post.statusCode, post.headers['allow']]).toEqual([405, 'GET, HEAD']);
    await post.body.dump();
  });

  it('is 421 for a foreign Host', async () => {
    const { statusCode, body } = await get('/', { host: 'attacker.example' });
    await body.dump();
    expect(statusCode).toBe(421);
  });
});

describe('the assets of the dashboard', () => {
  it('are immutable, and have their media types', async () => {
    const types = [];
    for (const path of await assetsOfPage()) {
      const { statusCode, headers, body } = await get(`/${path}`);
      await body.dump();
      expect(statusCode).toBe(200);
      expect(headers).toMatchObject({
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        vary: 'accept-encoding',
      });
      types.push(headers['content-type']);
    }
    const script = 'text/javascript; charset=utf-8';
    expect(types.sort()).toEqual(['image/svg+xml', 'text/css; charset=utf-8', script, script]);
  });

  it('are sent in the best form that the client accepts', async () => {
    const path = await assetOf(/main-\w+\.js$/);
    const plain = await get(path);
    const text = await plain.body.text();
    expect(plain.headers['content-encoding']).toBeUndefined();
    const decoders = { br: brotliDecompressSync, gzip: gunzipSync };
    const cases = [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip', 'gzip'],
      ['br;q=0, gzip;q=0.5', 'gzip'],
    ] as const;
    for (const [accept, encoding] of cases) {
      const { headers, body } = await get(path, { 'accept-encoding': accept });
      expect(headers['content-encoding']).toBe(encoding);
      expect(decoders[encoding](Buffer.from(await body.arrayBuffer())).toString()).toBe(text);
    }
  });

  it('have no body for HEAD, and are 405 for POST', async () => {
    const path = await assetOf(/\.css$/);
    const head = await get(path, {}, 'HEAD');
    expect([head.statusCode, await head.body.text()]).toEqual([200, '']);
    const post = await get(path, {}, 'POST');
    await post.body.dump();
    expect(post.statusCode).toBe(405);
  });

  it.each([
    '/assets/',
    '/assets/main-00000000.js',
    '/assets/manifest.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/package.json',
    '/assets/../../package.json',
    '/assets//etc/passwd',
    '/assets/__proto__',
    '/assets/constructor.js',
    '/assets',
  ])('are 404 for %s', async (path) => {
    await using connection = await openRawConnection(gateway.url); // fetch would change the path.
    connection.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 404 [\s\S]*"Path: /);
  });

  it('have at most 60 kB of initial JavaScript, compressed with gzip', async () => {
    const seen = new Set<string>();
    const visit = async (path: string): Promise<number> => {
      if (seen.has(path)) return 0;
      seen.add(path);
      const text = await (await get(path)).body.text();
      const imports = [...text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)].map(([, name]) => `/assets/${name}`);
      let bytes = gzipSync(text, { level: 9 }).length;
      for (const imported of imports) bytes += await visit(imported);
      return bytes;
    };
    let bytes = 0;
    for (const path of await assetsOfPage()) if (path.endsWith('.js')) bytes += await visit(`/${path}`);
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThanOrEqual(60_000);
  });
});

describe('DASHBOARD', () => {
  it('off redirects / to the graph, and has no assets', async () => {
    const path = await assetOf(/\.css$/);
    await using off = await startGateway({ DASHBOARD: 'off' });
    const root = await request(new URL('/', off.url));
    await root.body.dump();
    expect([root.statusCode, root.headers['location']]).toEqual([302, 'graphql']);
    const asset = await request(new URL(path, off.url));
    await asset.body.dump();
    expect(asset.statusCode).toBe(404);
  });
});

it('no output of the bundler is in git', () => {
  const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n');
  expect(tracked.filter((file) => /-[A-Z0-9]{8}\.(js|css|svg)|\.cache\//.test(file))).toEqual([]);
});
