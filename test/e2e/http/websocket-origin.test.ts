import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../../kit/client/raw-http.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { handshake } from '../../kit/client/ws-frames.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

// A browser lets a page of any origin open a WebSocket and read it: only the gateway can refuse.

const PROXY = { 'x-forwarded-proto': 'https' };
const PUBLIC = 'https://tuning.example';

let gateway: TestGateway;
let port: string;
beforeAll(async () => {
  gateway = await startGateway({ ALLOWED_HOSTS: 'tuning.example', CORS_ORIGINS: 'https://app.example' });
  port = new URL(gateway.url).port;
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** PORT in a header stands for the port of the gateway. */
const withPort = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', port)]));

describe('a WebSocket', () => {
  it.each<[string, Record<string, string>]>([
    ['a client without an origin', {}],
    ['a page of the gateway', { origin: 'http://127.0.0.1:PORT' }],
    ['a page of localhost', { origin: 'http://localhost:PORT', host: 'localhost:PORT' }],
    ['a page on the default port', { origin: 'http://tuning.example', host: 'tuning.example:80' }],
    ['a page in CORS_ORIGINS', { origin: 'https://app.example' }],
    ['a page behind a proxy with TLS', { origin: PUBLIC, host: 'tuning.example', ...PROXY }],
    ['a page behind a proxy that passes on its port', { origin: PUBLIC, host: 'tuning.example:443', ...PROXY }],
    ['a page behind a chain', { origin: PUBLIC, host: 'tuning.example', 'x-forwarded-proto': 'https, http' }],
    ['a page behind Traefik', { origin: PUBLIC, host: 'tuning.example', 'x-forwarded-proto': 'wss' }],
    ['a page behind a proxy that changes Host', { origin: PUBLIC, 'x-forwarded-host': 'tuning.example', ...PROXY }],
    [
      'a page of a dev server that forwards it',
      { origin: 'http://localhost:5173', host: 'localhost:5173' }, // As Vite with `ws: true`.
    ],
  ])('can be opened by %s', async (_, headers) => {
    using client = await openSocket(gateway.url, { headers: withPort(headers) });
    client.send(subscribe('1', '{ __typename }'));
    expect(await client.next()).toMatchObject({ type: 'next' });
  });

  it.each<[string, Record<string, string>]>([
    ['another port of localhost', { origin: 'http://localhost:5173', host: 'localhost:PORT' }],
    ['another port of the address', { origin: 'http://127.0.0.1:5173' }],
    ['the default port of localhost', { origin: 'http://localhost', host: 'localhost:PORT' }],
    ['another name of the machine', { origin: 'http://localhost:PORT', host: '127.0.0.1:PORT' }],
    ['another scheme', { origin: 'https://localhost:PORT', host: 'localhost:PORT' }],
    ['the public name without TLS', { origin: 'http://tuning.example', host: 'tuning.example', ...PROXY }],
    ['the public name with a proxy that hides TLS', { origin: PUBLIC, host: 'tuning.example' }],
    ['another port of the public name', { origin: `${PUBLIC}:8443`, host: 'tuning.example', ...PROXY }],
    [
      'another site, with its name in X-Forwarded-Host',
      { origin: 'https://evil.example', 'x-forwarded-host': 'evil.example', ...PROXY },
    ],
  ])('cannot be opened by a page of %s', async (_, headers) => {
    const names = Object.keys(headers).includes('host') ? {} : { host: `127.0.0.1:${port}` };
    const lines = Object.entries(withPort({ ...names, ...headers })).map(([name, value]) => `${name}: ${value}\r\n`);
    const [response] = await exchange(gateway.url, handshake(lines.join('')).replace('Host: localhost\r\n', ''));
    expect(response?.status).toBe(403);
    expect(JSON.parse(response?.body ?? '').errors[0]).toMatchObject({
      message: expect.stringMatching(/^Origin: "\S+" (cannot open a WebSocket of "\S+"|is not allowed); expected /),
      extensions: { code: 'BAD_REQUEST' },
    });
  });

  it('is refused with the origin that is expected, and what a proxy has to send', async () => {
    const [response] = await exchange(gateway.url, handshake('Origin: http://localhost:5173\r\n'));
    expect(JSON.parse(response?.body ?? '').errors[0].message).toBe(
      'Origin: "http://localhost:5173" cannot open a WebSocket of "http://localhost"; expected that origin, or one in CORS_ORIGINS. A proxy has to pass on Host with its port, and X-Forwarded-Proto.',
    );
  });
});
