import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { hashOf } from '../../../src/server/graphql/trusted-documents.ts';
import { exchange } from '../../kit/client/raw-http.ts';
import { openSocket, type SocketOptions, subscribe } from '../../kit/client/ws.ts';
import { type SubscriptionServer, startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { makeFolder } from '../../kit/process/folder.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const BEARER = 'expected {"authorization": "Bearer TOKEN"}.';
const UNKNOWN_TOKEN = 'the token is unknown or revoked; create one: npm run token -- NAME ROLE FILE.';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const CHANGED = 'subscription S { changed(topic: "t") { n } }';
const result = (n: number) => ({ data: { changed: { n } } });

async function expectResultForOtherClient({ url }: SubscriptionServer) {
  using other = await openSocket(url);
  other.send(subscribe('1', '{ role }'));
  expect(await other.next()).toMatchObject({ type: 'next' });
}

describe('a subscription over a WebSocket', () => {
  it('works with the client of graphql-ws, as do queries and mutations', async () => {
    await using live = await startSubscriptionServer();
    const client = createClient({ url: live.url.replace('http', 'ws'), webSocketImpl: WebSocket });
    const results = client.iterate({ query: CHANGED });
    const first = results.next();
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect((await first).value).toEqual(result(1));
    expect((await client.iterate({ query: '{ role }' }).next()).value).toEqual({ data: { role: 'admin' } });
    expect((await client.iterate({ query: 'mutation { touch }' }).next()).value).toEqual({
      data: { touch: 'touched' },
    });
    const last = results.next();
    live.topic('t').end();
    expect((await last).done).toBe(true);
    await client.dispose();
    await until(() => live.topic('t').readers === 0);
  });

  it('ends when its client completes it, and is logged', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    client.send(subscribe('1', CHANGED));
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    expect(await client.next()).toEqual({ id: '1', type: 'next', payload: result(1) });
    live.clock.advance(5);
    client.send({ id: '1', type: 'complete' });
    await until(() => live.topic('t').readers === 0);
    const line = { level: 30, msg: 'operation', transport: 'websocket', operation: 'S', results: 1, ms: 5 };
    expect(live.log).toEqual([expect.objectContaining(line)]);
  });

  it('ends with its socket, and so do its queries', async () => {
    await using live = await startSubscriptionServer();
    const client = await openSocket(live.url);
    client.send(subscribe('1', CHANGED), subscribe('2', 'subscription { changed(topic: "t") { n slow } }'));
    await until(() => live.topic('t').waits === 2);
    live.topic('t').emit({ n: 1 });
    client.send(subscribe('3', '{ slow }'));
    await until(() => live.events.length === 3);
    client.socket.terminate();
    await until(() => live.topic('t').readers === 0);
    await until(() => live.events.filter(({ readContext }) => readContext.signal.aborted).length === 2); // One has already ended.
    await until(() => live.log.filter(({ msg }) => msg === 'operation').length === 3);
  });

  it.each([
    ['is not GraphQL', '{', 'GRAPHQL_PARSE_FAILED'],
    ['does not match the schema', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('that %s gets an error, and the socket stays open', async (_, query, code) => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    client.send(subscribe('1', query), subscribe('2', '{ role }'));
    expect(await client.next()).toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code } }] });
    expect(await client.next()).toEqual({ id: '2', type: 'next', payload: { data: { role: 'admin' } } });
  });

  it('can be sent as the hash of a trusted document', async () => {
    const text = '{ __typename }';
    const folder = makeFolder({ documents: JSON.stringify({ [hashOf(text)]: text }) });
    await using live = await startSubscriptionServer({ TRUSTED_DOCUMENTS: join(folder, 'documents') });
    using client = await openSocket(live.url);
    const persistedQuery = { version: 1, sha256Hash: hashOf(text) };
    client.send(subscribe('1', '', { extensions: { persistedQuery } }));
    expect(await client.next()).toMatchObject({ id: '1', payload: { data: { __typename: 'Query' } } });
    expect(await client.next()).toEqual({ id: '1', type: 'complete' });
    client.send(subscribe('2', '{ role }'));
    expect(await client.next()).toMatchObject({ payload: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }] });
  });

  it('masks internal errors of its source, and completes', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    client.send(subscribe('1', 'subscription { refused { n } }'));
    const extensions = { code: 'INTERNAL' };
    expect(await client.next()).toMatchObject({ id: '1', type: 'next', payload: { errors: [{ extensions }] } });
    expect(await client.next()).toEqual({ id: '1', type: 'complete' });
  });
});

describe('a socket', () => {
  const start = async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer' });
    const live = await startSubscriptionServer({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    return { live, authorization: `Bearer ${tokens.ann}` };
  };

  it.each<[string, (authorization: string) => SocketOptions]>([
    ['its first message', (authorization) => ({ init: { authorization } })],
    ['its first message, in capitals', (authorization) => ({ init: { Authorization: authorization } })],
    ['headers in its first message', (authorization) => ({ init: { headers: { Authorization: authorization } } })],
    ['headers in lower case', (authorization) => ({ init: { headers: { authorization } } })],
    ['authToken', (authorization) => ({ init: { authToken: authorization } })],
    ['token', (authorization) => ({ init: { token: authorization } })],
    ['token, without Bearer', (authorization) => ({ init: { token: authorization.slice('Bearer '.length) } })],
    ['authorization, without Bearer', (authorization) => ({ init: { authorization: authorization.slice(7) } })],
    [
      'token, beside an empty authorization',
      (authorization) => ({ init: { authorization: '', token: authorization } }),
    ],
    [
      'headers, beside another authToken',
      (authorization) => ({ init: { authToken: 'x', headers: { authorization } } }),
    ],
    ['the header of its request', (authorization) => ({ headers: { authorization } })],
    [
      'the header of its request, beside members without a token',
      (authorization) => ({ headers: { authorization }, init: { headers: { accept: '*/*' }, token: null } }),
    ],
  ])('authenticates in %s', async (_, options) => {
    const { live: started, authorization } = await start();
    await using live = started;
    using client = await openSocket(live.url, options(authorization));
    client.send(subscribe('1', '{ role }'));
    expect(await client.next()).toEqual({ id: '1', type: 'next', payload: { data: { role: 'viewer' } } });
  });

  it.each([
    ['has no token', {}, 4403, `connectionParams.authorization: is missing; ${BEARER}`],
    [
      'has a malformed token',
      { init: { authorization: 'Basic nobody' } },
      4403,
      `connectionParams.authorization: is malformed; ${BEARER}`,
    ],
    [
      'has a token that is not a string',
      { init: { authorization: { nobody: 1 } } },
      4403,
      `connectionParams.authorization: is malformed; ${BEARER}`,
    ],
    [
      'has an unknown token',
      { init: { authorization: 'Bearer nobody' } },
      4403,
      `connectionParams.authorization: ${UNKNOWN_TOKEN}`,
    ],
    [
      'has an unknown token in headers',
      { init: { headers: { Authorization: 'nobody' } } },
      4403,
      `connectionParams.headers.Authorization: ${UNKNOWN_TOKEN}`,
    ],
    [
      'has a scheme without a token',
      { init: { authToken: 'Bearer ' } },
      4403,
      `connectionParams.authToken: is malformed; ${BEARER}`,
    ],
    [
      'has headers that are no object',
      { init: { headers: 'nobody' } },
      4403,
      `connectionParams.authorization: is missing; ${BEARER}`,
    ],
    [
      'has an unknown token in its header',
      { headers: { authorization: 'Bearer nobody' } },
      4403,
      `Authorization: ${UNKNOWN_TOKEN}`,
    ],
    ['has no subprotocol', { protocol: [], init: false as const }, 4406, 'Subprotocol not acceptable'],
  ])('that %s is closed with the reason', async (_, options, code, reason) => {
    await using live = (await start()).live;
    using client = await openSocket(live.url, options);
    expect(await client.closed).toEqual([code, reason]);
    expect(JSON.stringify(live.log)).not.toContain('nobody');
  });

  it('that sends nothing for ten seconds is closed', async () => {
    await using live = await startSubscriptionServer();
    using idle = await openSocket(live.url, { init: false });
    using active = await openSocket(live.url);
    live.clock.advance(10_000);
    expect((await idle.closed)[0]).toBe(4408);
    active.send(subscribe('1', '{ role }'));
    expect(await active.next()).toMatchObject({ type: 'next' });
  });

  it.each<[string, object | false, (object | string)[], number]>([
    ['subscribes before connection_init', false, [subscribe('1', '{ role }')], 4401],
    ['sends invalid JSON', {}, ['{'], 4400],
    ['sends an unknown message', {}, [{ type: 'nothing' }], 4400],
    ['sends connection_init twice', {}, [{ type: 'connection_init' }], 4429],
    ['uses an id twice', {}, [subscribe('1', CHANGED), subscribe('1', CHANGED)], 4409],
    [
      'has too many operations in progress',
      {},
      Array.from({ length: 101 }, (_, id) => subscribe(`${id}`, CHANGED)),
      4429,
    ],
    ['sends a message above the limit', {}, [subscribe('1', `{ role } # ${'x'.repeat(1024 * 1024)}`)], 1009],
  ])('that %s is closed, and other sockets stay open', async (_, init, messages, code) => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url, { init });
    client.send(...messages);
    expect((await client.closed)[0]).toBe(code);
    await until(() => live.topic('t').readers === 0);
    await expectResultForOtherClient(live);
    expect(live.log.filter(({ level }) => Number(level) > 30)).toEqual([]);
  });

  it('that sends invalid frames is closed, and other sockets stay open', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    Object(client.socket)._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect((await client.closed)[0]).toBe(1002);
    await expectResultForOtherClient(live);
  });

  it('gets a ping at each heartbeat, and a pong for each of its own pings', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    const ping = new Promise((resolve) => client.socket.once('ping', resolve));
    live.clock.advance(12_000);
    await ping;
    const pong = new Promise<Buffer>((resolve) => client.socket.once('pong', resolve));
    client.socket.ping('there?');
    expect(String(await pong)).toBe('there?');
    client.send({ type: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' });
  });

  it.each([
    ['another host', { host: 'evil.example' }, 421],
    ['a page of another site', { origin: 'https://evil.example' }, 403],
  ])('of %s is rejected, as any request is', async (_, headers, status) => {
    await using live = await startSubscriptionServer();
    const opening = openSocket(live.url, { headers });
    await expect(opening).rejects.toThrow(`Unexpected server response: ${status}`);
    expect(live.log).toContainEqual(expect.objectContaining({ msg: 'request rejected', status }));
  });

  it.each([
    [
      'another method',
      'POST',
      `Sec-WebSocket-Version: 13\r\n${KEY}`,
      405,
      /^Method: POST cannot open .*; expected GET/,
    ],
    [
      'another version',
      'GET',
      `Sec-WebSocket-Version: 7\r\n${KEY}`,
      426,
      /^Sec-WebSocket-Version: "7" .*; expected 13/,
    ],
    ['no version', 'GET', KEY, 426, /^Sec-WebSocket-Version: is missing; expected 13/],
    ['no key', 'GET', 'Sec-WebSocket-Version: 13\r\n', 400, /^Sec-WebSocket-Key: is missing; expected .*, such as /],
  ])('with %s is rejected with an error that names the header', async (_, method, headers, status, message) => {
    await using live = await startSubscriptionServer();
    const upgrade = `Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}`;
    const [response] = await exchange(live.url, `${method} /graphql HTTP/1.1\r\n${upgrade}\r\n`);
    expect(response?.status).toBe(status);
    expect(JSON.parse(response?.body ?? '').errors[0].message).toMatch(message);
    expect(live.log).toContainEqual(expect.objectContaining({ msg: 'request rejected', status }));
  });

  it('is not opened for another protocol', async () => {
    await using live = await startSubscriptionServer();
    const upgrade = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    const [response] = await exchange(live.url, `GET /health HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
    expect(response?.status).toBe(200);
  });

  it('is not an idle connection: it is not closed for a new one', async () => {
    await using live = await startSubscriptionServer({ MAX_CONNECTIONS: '1' });
    using client = await openSocket(live.url);
    await expect(fetch(live.url)).rejects.toThrow('fetch failed');
    client.send(subscribe('1', '{ role }'));
    expect(await client.next()).toMatchObject({ type: 'next' });
  });
});
