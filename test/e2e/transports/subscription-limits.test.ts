import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { revokedError } from '../../../src/server/auth/authenticate.ts';
import { post } from '../../kit/client/post.ts';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { tokenFile, tokenLine } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription { changed(topic: "t") { n } }';
const SSE = { accept: 'text/event-stream' };
const LIMITED = { extensions: { code: 'RATE_LIMITED' } };

describe('the maximum number of subscriptions', () => {
  it('of one caller holds over all transports, until one ends; other callers have their own', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'viewer' });
    const authorization = `Bearer ${tokens.ann}`;
    await using live = await startSubscriptionServer({
      AUTH: 'tokens',
      AUTH_TOKENS_FILE: file,
      MAX_SUBSCRIPTIONS_PER_CALLER: '2',
    });
    await using first = await openSse(live.url, { query: QUERY }, { authorization });
    using socket = await openSocket(live.url, { headers: { authorization } });
    socket.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 2);
    const rejected = await post(live.url, { query: QUERY }, { ...SSE, authorization });
    expect([rejected.status, rejected.body.errors]).toEqual([
      429,
      [
        {
          message:
            'Subscriptions: the limit of 2 per caller is reached (MAX_SUBSCRIPTIONS_PER_CALLER); retry when one has ended.',
          ...LIMITED,
        },
      ],
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

  it('in total holds for all callers', async () => {
    await using live = await startSubscriptionServer({ MAX_SUBSCRIPTIONS: '1' });
    await using first = await openSse(live.url, { query: QUERY });
    expect(await first.next()).toBeDefined();
    const rejected = await post(live.url, { query: QUERY }, SSE);
    expect([rejected.status, rejected.body.errors?.[0]?.message]).toEqual([
      429,
      'Subscriptions: the limit of 1 in total is reached (MAX_SUBSCRIPTIONS); retry when one has ended.',
    ]);
  });

  it('does not count subscriptions with invalid variables or without a source', async () => {
    await using live = await startSubscriptionServer({ MAX_SUBSCRIPTIONS: '1' });
    for (const query of ['subscription ($t: String!) { changed(topic: $t) { n } }', 'subscription { refused { n } }']) {
      await using stream = await openSse(live.url, { query });
      expect(await stream.result()).toMatchObject({ errors: [{}] });
    }
    await using stream = await openSse(live.url, { query: QUERY });
    expect(stream.status).toBe(200);
  });
});

describe('the limits of queries', () => {
  it('hold for subscriptions: of one document, and of points in a minute', async () => {
    await using live = await startSubscriptionServer({ MAX_QUERY_ALIASES: '1', RATE_LIMIT_PER_MINUTE: '2' });
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
    const live = await startSubscriptionServer({ AUTH: 'tokens', AUTH_TOKENS_FILE: list.file });
    const authorization = `Bearer ${list.tokens.ann}`;
    const stream = await openSse(live.url, { query: QUERY }, { authorization });
    const socket = await openSocket(live.url, { headers: { authorization } });
    socket.send(subscribe('1', QUERY));
    const connection = await openRawConnection(live.url);
    const accept = 'multipart/mixed;subscriptionSpec="1.0"';
    connection.write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\nAuthorization: ${authorization}\r\n`,
    );
    const body = JSON.stringify({ query: QUERY });
    connection.write(
      `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => live.topic('t').waits === 3);
    return { ...list, live, stream, socket, connection, authorization };
  };

  it.each<[string, (token: string) => string]>([
    ['is no longer listed', () => ''],
    ['has another role', (token) => tokenLine('ann', 'admin', token)],
    ['is replaced', () => tokenLine('ann', 'viewer')],
  ])('because it %s ends its streams at the next heartbeat, with the reason', async (_, lines) => {
    const { live, file, tokens, stream, socket, connection } = await start();
    live.clock.advance(12_000);
    expect(await stream.next()).toEqual({ event: ':', data: '' });
    writeFileSync(file, lines(tokens.ann));
    live.clock.advance(12_000);
    expect(await stream.result()).toMatchObject({ errors: [REVOKED] });
    expect(await stream.next()).toEqual({ event: 'complete', data: '' });
    expect(await socket.closed).toEqual([4403, revokedError().message]);
    expect(await connection.closed).toMatch(/"payload":null,"errors":\[.*UNAUTHENTICATED.*--graphql--\r\n/s);
    expect(live.topic('t').readers).toBe(0);
    await live[Symbol.asyncDispose]();
  });

  it('gets no result before the next heartbeat', async () => {
    const { live, write, stream, socket, connection } = await start();
    write('');
    live.clock.advance(1000);
    live.topic('t').emit({ n: 1 });
    expect(await stream.result()).toMatchObject({ errors: [REVOKED] });
    expect((await socket.closed)[0]).toBe(4403);
    expect(await connection.closed).not.toContain('"n":1');
    expect(live.topic('t').readers).toBe(0);
    await live[Symbol.asyncDispose]();
  });

  it('cannot execute further queries on an open socket', async () => {
    const { live, write, socket } = await start();
    write('');
    live.clock.advance(1000);
    socket.send(subscribe('2', '{ role }'));
    expect((await socket.closed)[0]).toBe(4403);
    await expect(socket.next()).rejects.toThrow('closed: 4403');
    await live[Symbol.asyncDispose]();
  });
});
