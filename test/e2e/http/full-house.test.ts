import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { newSecret, webhookHeaders } from '../../kit/bodies/webhook.ts';
import { exchange, openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { openRawSocket } from '../../kit/client/ws-frames.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const MAX_CONNECTIONS = 20;
const BODY = JSON.stringify({ query: '{ __typename }' });
const RESULT = { data: { __typename: 'Query' } };

const request = (method: string, path: string, headers: Record<string, string | number> = {}) => {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

/** A gateway with one token, at its maximum of connections. `fill` opens one connection. */
async function start(fill: (url: string, secret: string) => Promise<RawConnection>) {
  const { file, tokens } = tokenFile({ ann: 'viewer' });
  const secret = newSecret();
  const authorization = `Bearer ${tokens.ann}`;
  const opened = new AsyncDisposableStack();
  const gateway = opened.use(
    await startGateway({
      MAX_CONNECTIONS: `${MAX_CONNECTIONS}`,
      AUTH: 'tokens',
      AUTH_TOKENS_FILE: file,
      OPENAI_WEBHOOK_SECRET: secret,
    }),
  );
  const connections = await countConnections(gateway.url);
  const fillAll = async () => {
    const arrived = connections.arrived(MAX_CONNECTIONS);
    for (let n = 0; n < MAX_CONNECTIONS; n++) opened.use(await fill(gateway.url, secret));
    await arrived;
  };
  return { gateway, connections, authorization, fillAll, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function expectResponse({ url }: TestGateway, authorization: string): Promise<void> {
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': BODY.length,
    Authorization: authorization,
    Connection: 'close',
  };
  const [response] = await exchange(url, request('POST', '/graphql', headers), BODY);
  expect(JSON.parse(response?.body ?? '')).toEqual(RESULT);
}

/** Opens a connection and sends these bytes. */
const sending = async (url: string, bytes: string) => {
  const connection = await openRawConnection(url);
  connection.pause();
  connection.write(bytes);
  return connection;
};

describe('at MAX_CONNECTIONS', () => {
  it.each<[string, (url: string, secret: string) => Promise<RawConnection>]>([
    ['WebSockets before connection_init', (url) => openRawSocket(url, { init: false })],
    [
      'webhooks with an incomplete body',
      (url, secret) => {
        const headers = webhookHeaders(secret, 'wh_1', Math.floor(Date.now() / 1000), BODY);
        return sending(url, `${request('POST', '/webhooks/openai', { ...headers, 'Content-Length': 1000 })}{`);
      },
    ],
    ['GraphiQL pages that are not read', (url) => sending(url, request('GET', '/graphql', { Accept: 'text/html' }))],
    [
      'requests without a token and with an incomplete body',
      (url) => {
        const headers = { 'Content-Type': 'application/json', 'Content-Length': 1000 };
        return sending(url, `${request('POST', '/graphql', headers)}{`);
      },
    ],
    ['health probes', (url) => sending(url, request('GET', '/health'))],
    ['incomplete headers', (url) => sending(url, 'GET /graphql HTTP/1.1\r\nHost: localhost\r\n')],
  ])('%s make way for authenticated callers, whose connections stay open', async (_, fill) => {
    await using house = await start(fill);
    const { gateway, authorization } = house;
    using socket = await openSocket(gateway.url, { init: { authorization } });
    await house.fillAll();
    await expectResponse(gateway, authorization);
    await house.fillAll();
    const callers = Array.from({ length: MAX_CONNECTIONS / 2 }, () => expectResponse(gateway, authorization));
    await Promise.all(callers);
    expect(await house.connections.current()).toBeLessThanOrEqual(MAX_CONNECTIONS);
    socket.send(subscribe('1', '{ __typename }'));
    expect(await socket.next()).toMatchObject({ type: 'next', payload: RESULT });
    const lines = gateway.log.filter(({ msg }) => msg === 'connection limit reached');
    expect(lines).toEqual([expect.objectContaining({ maxConnections: MAX_CONNECTIONS, isRefused: false })]);
  });

  it('a WebSocket that was rejected makes way before it is closed', async () => {
    await using house = await start((url) => openRawSocket(url, { init: false }));
    const { gateway, authorization } = house;
    const sockets = await Promise.all(
      Array.from({ length: MAX_CONNECTIONS }, () => openSocket(gateway.url, { init: { authorization } })),
    );
    const [first] = sockets;
    first?.socket.pause(); // It does not answer the close frame.
    first?.send({ type: 'connection_init' });
    await until(() => gateway.log.some(({ code }) => code === 4429));
    await expectResponse(gateway, authorization);
    for (const { socket } of sockets) socket.terminate();
  });
});

// Linux has all addresses of 127.0.0.0/8; others need them to be set up.
describe.runIf(process.platform === 'linux')('one client address', () => {
  /** Opens a WebSocket handshake from another loopback address; resolves to whether it gets any response. */
  const getsResponseFrom = (localAddress: string, url: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), localAddress });
      socket.on('error', () => {});
      socket.on('close', () => resolve(false));
      socket.on('data', () => {
        resolve(true);
        socket.destroy();
      });
      socket.write(request('GET', '/health'));
    });

  it('with more connections than its cap makes way for another one, and not for itself', async () => {
    await using gateway = await startGateway({ MAX_CONNECTIONS: '10', MAX_CONNECTIONS_PER_ADDRESS: '5' });
    const sockets = [];
    for (let n = 0; n < 10; n++) sockets.push(await openSocket(gateway.url));
    expect(await getsResponseFrom('127.0.0.1', gateway.url)).toBe(false);
    expect(sockets.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
    expect(await getsResponseFrom('127.0.0.2', gateway.url)).toBe(true);
    const [oldest, ...others] = sockets;
    expect((await oldest?.closed)?.[0]).toBe(1006);
    for (const { socket, send, next } of others) {
      send(subscribe('1', '{ __typename }'));
      expect(await next()).toMatchObject({ payload: RESULT });
      socket.terminate();
    }
  });

  it('keeps as many connections as its cap', async () => {
    await using gateway = await startGateway({ MAX_CONNECTIONS: '5', MAX_CONNECTIONS_PER_ADDRESS: '5' });
    const sockets = [];
    for (let n = 0; n < 5; n++) sockets.push(await openSocket(gateway.url));
    expect(await getsResponseFrom('127.0.0.2', gateway.url)).toBe(false);
    expect(sockets.every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
    for (const { socket } of sockets) socket.terminate();
  });
});
