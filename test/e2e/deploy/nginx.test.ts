import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { FORM_END, headersOf, partsOf, unclosedForm } from '../../kit/client/upload.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { hasNginx, startNginx } from '../../kit/process/nginx.ts';

const STATUS = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';

/** A gateway behind nginx, before an upstream with one running job. */
async function start(settings: Record<string, string> = {}, isKeptAlive = true) {
  const opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  upstream.onJob(jobBody({ id: 'ftjob-1', status: 'running' }));
  const gateway = opened.use(
    await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, POLL_INTERVAL_MS: '100', ...settings }),
  );
  const { url } = opened.use(await startNginx(gateway.url, { isKeptAlive }));
  return { url, upstream, gateway, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

describe.skipIf(!hasNginx())('the gateway behind nginx with deploy/nginx.conf', () => {
  beforeAll(() => {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'; // The certificate of the test is self-signed.
  });
  afterAll(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  });

  it('answers a query under the prefix, and returns the request id that nginx made', async () => {
    await using proxied = await start();
    const response = await fetch(proxied.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ fineTuningJob(id: "ftjob-1") { status } }' }),
    });
    expect(await response.json()).toEqual({ data: { fineTuningJob: { status: 'RUNNING' } } });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('serves the content of a file at its contentUrl, under the prefix', async () => {
    await using proxied = await start();
    proxied.upstream.onFile(fileBody('file-1'));
    proxied.upstream.onContent('file-1', 'the content');
    const { data } = await proxied.gateway.query('{ file(id: "file-1") { contentUrl } }');
    const response = await fetch(new URL(Object(data?.['file']).contentUrl, proxied.url));
    expect([response.status, await response.text()]).toEqual([200, 'the content']);
  });

  it.each(['text/event-stream', 'multipart/mixed;subscriptionSpec="1.0"'])(
    'passes each result of a subscription as %s on at once',
    async (accept) => {
      await using proxied = await start();
      const response = await fetch(proxied.url, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json' },
        body: JSON.stringify({ query: STATUS }),
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      const readUntil = async (pattern: RegExp) => {
        while (!pattern.test(text)) text += (await reader?.read())?.value ?? '';
      };
      await readUntil(/"status":"RUNNING"/);
      proxied.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'paused' }));
      await readUntil(/"status":"PAUSED"/);
      await reader?.cancel();
    },
  );

  it('keeps the events of server-sent events whole', async () => {
    await using proxied = await start();
    await using stream = await openSse(proxied.url, { query: STATUS });
    expect(await stream.result()).toEqual({ data: { fineTuningJobStatusChanged: { status: 'RUNNING' } } });
  });

  it('upgrades WebSockets', async () => {
    await using proxied = await start();
    using socket = await openSocket(proxied.url);
    socket.send(subscribe('1', STATUS));
    expect(await socket.next()).toMatchObject({ type: 'next', payload: { data: { fineTuningJobStatusChanged: {} } } });
  });

  it('upgrades WebSockets of its own pages, and of no other port', async () => {
    await using proxied = await start();
    const { origin } = new URL(proxied.url);
    using socket = await openSocket(proxied.url, { headers: { origin } });
    socket.send(subscribe('1', STATUS));
    expect(await socket.next()).toMatchObject({ type: 'next' });
    for (const other of [origin.replace(/\d+$/, '1'), origin.replace('https', 'http')]) {
      const opening = openSocket(proxied.url, { headers: { origin: other } });
      await expect(opening).rejects.toThrow('Unexpected server response: 403');
    }
  });

  it('passes an upload on while the client still sends it', async () => {
    await using proxied = await start({ ALLOW_MUTATIONS: 'on' });
    const arrived = Promise.withResolvers<void>();
    proxied.upstream.on('/files', (incoming: IncomingMessage) => {
      incoming.once('data', () => arrived.resolve());
    });
    const upload = request(proxied.url, { method: 'POST', headers: headersOf(), rejectUnauthorized: false });
    upload.on('error', () => {});
    const line = `${JSON.stringify({ prompt: 'a', completion: 'b' })}\n`;
    const file = { name: '0', filename: 'train.jsonl', content: line.repeat(50_000) };
    upload.write(unclosedForm(...partsOf(), file));
    await arrived.promise; // Before FORM_END is sent.
    upload.end(FORM_END);
    upload.destroy();
  });

  it.each([
    ['keeps connections to the gateway open', true],
    ['sends Connection: close, its default', false],
  ])(
    'gets each of 20 early refusals of a large body when it %s',
    async (_, isKeptAlive) => {
      await using proxied = await start({ ALLOW_MUTATIONS: 'on', AUTH: 'passthrough' }, isKeptAlive);
      const { origin } = new URL(proxied.url);
      const json = { 'content-type': 'application/json', authorization: 'Bearer any-text' };
      const requests: [status: number, url: string, headers: Record<string, string>][] = [
        [401, proxied.url, headersOf()],
        [413, proxied.url, json],
        [415, proxied.url, { ...json, 'content-type': 'text/plain' }],
        [404, `${origin}/ft/nowhere`, json],
      ];
      const body = Buffer.alloc(12 * 1024 * 1024, 'x');
      for (const [status, url, headers] of requests) {
        const statuses = [];
        for (let round = 0; round < 20; round++) {
          const response = await fetch(url, { method: 'POST', headers, body });
          statuses.push(response.status);
          await response.text();
        }
        expect(statuses).toEqual(Array(20).fill(status));
      }
    },
    90_000,
  ); // They send a gigabyte.

  it('serves the dashboard and its assets under the prefix', async () => {
    await using proxied = await start();
    const page = await fetch(new URL('.', proxied.url));
    expect(page.status).toBe(200);
    const assets = [...(await page.text()).matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(assets).toHaveLength(4);
    for (const path of assets) expect((await fetch(new URL(path, proxied.url))).status).toBe(200);
  });

  it('redirects its prefix to GraphiQL under the prefix without the dashboard', async () => {
    await using proxied = await start({ DASHBOARD: 'off' });
    const response = await fetch(new URL('.', proxied.url), { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'graphql']);
  });
});
