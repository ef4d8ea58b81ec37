import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { openWire } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startLive } from '../../kit/gateway/subscription-server.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription { changed(topic: "t") { n } }';
const SSE = { accept: 'text/event-stream' };
const LIMITED = { extensions: { code: 'RATE_LIMITED' } };

describe('the most subscriptions', () => {
  it('of one caller are refused a further one over every transport, until one ends; others have their own', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'viewer' });
    const authorization = `Bearer ${tokens.ann}`;
    await using live = await startLive({ AUTH: 'tokens', AUTH_TOKENS_FILE: file, MAX_SUBSCRIPTIONS_PER_CALLER: '2' });
    await using first = await openSse(live.url, { query: QUERY }, { authorization });
    using socket = await openSocket(live.url, { headers: { authorization } });
    socket.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 2);
    const refused = await post(live.url, { query: QUERY }, { ...SSE, authorization });
    expect([refused.status, refused.body.errors]).toEqual([
      429,
      [{ message: 'Subscriptions: expected at most 2 of one caller at a time.', ...LIMITED }],
    ]);
    socket.send(subscribe('2', QUERY));
    expect(await socket.next()).toMatchObject({ id: '2', type: 'error', payload: [LIMITED] });
    await using other = await openSse(live.url, { query: QUERY }, { authorization: `Bearer ${tokens.bob}` });
    expect(other.status).toBe(200);
    await until(() => live.topic('t').waits === 3);
    first.close();
    await until(() => live.topic('t').readers === 2);
    socket.send(subscribe('3', QUERY));
    await until(() => live.topic('t').readers === 3);
  });

  it('of all callers together are refused a further one', async () => {
    await using live = await startLive({ MAX_SUBSCRIPTIONS: '1' });
    await using first = await openSse(live.url, { query: QUERY });
    expect(await first.next()).toBeDefined();
    expect((await post(live.url, { query: QUERY }, SSE)).status).toBe(429);
  });

  it('are not counted when the variables do not fit, or the source is none', async () => {
    await using live = await startLive({ MAX_SUBSCRIPTIONS: '1' });
    for (const query of ['subscription ($t: String!) { changed(topic: $t) { n } }', 'subscription { refused { n } }']) {
      await using stream = await openSse(live.url, { query });
      expect(await stream.result()).toMatchObject({ errors: [{}] });
    }
    await using stream = await openSse(live.url, { query: QUERY });
    expect(stream.status).toBe(200);
  });
});

describe('the limits of queries', () => {
  it('hold for subscriptions: of one document, and of points a minute', async () => {
    await using live = await startLive({ MAX_QUERY_ALIASES: '1', RATE_LIMIT_PER_MINUTE: '2' });
    await using complex = await openSse(live.url, { query: 'subscription { a: changed(topic: "t") { b: n } }' });
    expect(await complex.result()).toMatchObject({ errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] });
    await using stream = await openSse(live.url, { query: QUERY });
    expect(stream.headers.get('ratelimit-remaining')).toBe('0');
    expect((await post(live.url, { query: QUERY }, SSE)).status).toBe(429);
    using socket = await openSocket(live.url);
    socket.send(subscribe('1', QUERY));
    expect(await socket.next()).toMatchObject({ id: '1', type: 'error', payload: [LIMITED] });
  });
});

describe('a token that is revoked', () => {
  const REVOKED = { extensions: { code: 'UNAUTHENTICATED' } };
  const start = async () => {
    const list = tokenFile({ ann: 'viewer' });
    const live = await startLive({ AUTH: 'tokens', AUTH_TOKENS_FILE: list.file });
    const authorization = `Bearer ${list.tokens.ann}`;
    const stream = await openSse(live.url, { query: QUERY }, { authorization });
    const socket = await openSocket(live.url, { headers: { authorization } });
    socket.send(subscribe('1', QUERY));
    const wire = await openWire(live.url);
    const accept = 'multipart/mixed;subscriptionSpec="1.0"';
    wire.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\nAuthorization: ${authorization}\r\n`);
    const body = JSON.stringify({ query: QUERY });
    wire.write(`Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => live.topic('t').waits === 3);
    return { ...list, live, stream, socket, wire, authorization };
  };

  it.each<[string, (token: string) => string]>([
    ['is listed no more', () => ''],
    ['has another role', (token) => tokenLine('ann', 'admin', token)],
    ['is replaced', () => tokenLine('ann', 'viewer')],
  ])('as it %s, ends its streams at the next heartbeat, with the reason', async (_, lines) => {
    const { live, file, tokens, stream, socket, wire } = await start();
    live.clock.advance(12_000);
    expect(await stream.next()).toEqual({ event: ':', data: '' });
    writeFileSync(file, lines(tokens.ann));
    live.clock.advance(12_000);
    expect(await stream.result()).toMatchObject({ errors: [REVOKED] });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect((await socket.closed)[0]).toBe(4403);
    expect(await wire.closed).toMatch(/"payload":null,"errors":\[.*UNAUTHENTICATED.*--graphql--\r\n/s);
    expect(live.topic('t').readers).toBe(0);
    await live[Symbol.asyncDispose]();
  });

  it('is shown nothing that comes before the next heartbeat', async () => {
    const { live, write, stream, socket, wire } = await start();
    write('');
    live.clock.advance(1000);
    live.topic('t').emit({ n: 1 });
    expect(await stream.result()).toMatchObject({ errors: [REVOKED] });
    expect((await socket.closed)[0]).toBe(4403);
    expect(await wire.closed).not.toContain('"n":1');
    expect(live.topic('t').readers).toBe(0);
    await live[Symbol.asyncDispose]();
  });

  it('is answered no further query on a socket that it has opened', async () => {
    const { live, write, socket } = await start();
    write('');
    live.clock.advance(1000);
    socket.send(subscribe('2', '{ role }'));
    expect((await socket.closed)[0]).toBe(4403);
    await expect(socket.next()).rejects.toThrow('closed: 4403');
    await live[Symbol.asyncDispose]();
  });
});
