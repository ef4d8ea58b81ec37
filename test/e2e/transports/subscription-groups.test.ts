import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { openSse, type SseRequest } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { tokenFile } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription S($t: String!, $o: Options) { changed(topic: $t, options: $o) { n role viewer } }';
const paramsWith = (o: object): SseRequest => ({ query: QUERY, variables: { t: 't', o } });
const MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"';

describe('equal subscriptions', () => {
  it('create one source and execute each of its events once, over all transports', async () => {
    await using live = await startSubscriptionServer();
    await using first = await openSse(live.url, paramsWith({ a: 1, b: 2 }));
    await using second = await openSse(live.url, { query: QUERY, variables: { o: { b: 2, a: 1 }, t: 't' } });
    using third = await openSocket(live.url);
    third.send(subscribe('1', QUERY, { variables: { t: 't', o: { a: 1, b: 2 }, more: 1 } }));
    await using fourth = await openSse(live.url, paramsWith({ a: 1, b: 2 }), { accept: MULTIPART });
    for (let n = 1; n <= 3; n++) {
      await until(() => live.topic('t').waits === 4 * n);
      live.topic('t').emit({ n });
      const payload = { data: { changed: { n, role: 'admin', viewer: null } } };
      expect([await first.result(), await second.result()]).toEqual([payload, payload]);
      expect(await third.next()).toEqual({ id: '1', type: 'next', payload });
    }
    await until(() => live.topic('t').waits === 16);
    fourth.close();
    expect(live.calls).toEqual({ changed: 1, n: 3 });
  });

  it.each<[string, SseRequest]>([
    ['variables', paramsWith({ a: 1 })],
    ['missing variables', { query: QUERY, variables: { t: 't' } }],
    ['document texts', { ...paramsWith({ a: 2 }), query: `${QUERY} #` }],
    ['operations', { ...paramsWith({ a: 2 }), query: `${QUERY} query Other { role }`, operationName: 'S' }],
  ])('do not include those with other %s', async (_, other) => {
    await using live = await startSubscriptionServer();
    await using first = await openSse(live.url, paramsWith({ a: 2 }));
    await using second = await openSse(live.url, other);
    await until(() => live.topic('t').waits === 2);
    live.topic('t').emit({ n: 1 });
    expect(await first.result()).toEqual(await second.result());
    expect(live.calls).toEqual({ changed: 2, n: 2 });
  });

  it('do not include those of another role; callers of one role share them, without their names', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'operator', cat: 'viewer' });
    await using live = await startSubscriptionServer({ AUTH: 'tokens', AUTH_TOKENS_FILE: file });
    const streams = await Promise.all(
      Object.values(tokens).map((token) => openSse(live.url, paramsWith({}), { authorization: `Bearer ${token}` })),
    );
    await until(() => live.topic('t').waits === 3);
    live.topic('t').emit({ n: 1 });
    const roles = ['viewer', 'operator', 'viewer'];
    for (const [index, stream] of streams.entries()) {
      expect(await stream.result()).toEqual({ data: { changed: { n: 1, role: roles[index], viewer: null } } });
      stream.close();
    }
    expect(live.calls).toEqual({ changed: 2, n: 2 });
  });

  it('do not include those of another key', async () => {
    await using live = await startSubscriptionServer({ AUTH: 'passthrough' });
    const keys = ['a'.repeat(30), 'b'.repeat(30), 'a'.repeat(30)];
    const streams = await Promise.all(
      keys.map((key) => openSse(live.url, paramsWith({}), { authorization: `Bearer ${key}` })),
    );
    await until(() => live.topic('t').waits === 3);
    expect(live.calls.changed).toBe(2);
    expect(new Set(live.sources.map(({ scope }) => scope)).size).toBe(2);
    for (const stream of streams) stream.close();
  });

  it('execute each event in its own context', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, paramsWith({}));
    for (let n = 1; n <= 2; n++) {
      await until(() => live.topic('t').waits === n);
      live.topic('t').emit({ n });
      await stream.result();
    }
    const [first, second] = live.events;
    expect(first?.loaders).not.toBe(second?.loaders);
  });

  it('continue when one subscriber leaves, and end with the last one, together with executions in progress', async () => {
    await using live = await startSubscriptionServer();
    const query = 'subscription { changed(topic: "t") { n slow } }';
    await using first = await openSse(live.url, { query });
    await using second = await openSse(live.url, { query });
    await until(() => live.topic('t').waits === 2);
    live.topic('t').emit({ n: 1 });
    await until(() => live.events.length === 1);
    first.close();
    await until(() => live.topic('t').readers === 1);
    expect(live.events[0]?.readContext.signal.aborted).toBe(false);
    live.release();
    expect(await second.result()).toEqual({ data: { changed: { n: 1, slow: 'slow' } } });
    await until(() => live.topic('t').waits === 3);
    live.topic('t').emit({ n: 2 });
    await until(() => live.events.length === 2);
    second.close();
    await until(() => live.topic('t').readers === 0);
    expect(live.events[1]?.readContext.signal.aborted).toBe(true);
    expect(live.sources[0]?.readContext.signal.aborted).toBe(true);
    expect(live.log.filter(({ level }) => Number(level) > 30)).toEqual([]);
    await using later = await openSse(live.url, { query });
    await until(() => live.topic('t').readers === 1);
    expect(live.calls.changed).toBe(2);
    later.close();
  });

  it('log the error of their source once', async () => {
    await using live = await startSubscriptionServer();
    const streams = await Promise.all([1, 2, 3].map(() => openSse(live.url, paramsWith({}))));
    await until(() => live.topic('t').waits === 3);
    live.topic('t').fail(new TypeError('a secret detail'));
    const results = await Promise.all(streams.map((stream) => stream.result()));
    expect(results[0]).toEqual({
      errors: [
        expect.objectContaining({ message: 'Internal error of the gateway. Report the requestId to its operator.' }),
      ],
    });
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(live.log.filter(({ msg }) => msg === 'internal error')).toHaveLength(1);
  });

  it('add no abort listener per event', async () => {
    await using live = await startSubscriptionServer();
    await using stream = await openSse(live.url, paramsWith({}));
    const listeners = () => {
      const cancellation = live.sources[0]?.readContext.cancellation;
      return [cancellation && getEventListeners(cancellation.signal, 'abort').length, cancellation?.callbackCount];
    };
    await until(() => live.topic('t').waits === 1);
    const before = listeners();
    for (let n = 1; n <= 50; n++) {
      live.topic('t').emit({ n });
      await stream.result();
      await until(() => live.topic('t').waits === n + 1);
    }
    expect(listeners()).toEqual(before);
  });
});

describe('500 clients', () => {
  it('that disconnect leave nothing: no reader, no source, no timer', async () => {
    await using live = await startSubscriptionServer({ MAX_SUBSCRIPTIONS_PER_CALLER: '500' });
    const body = JSON.stringify({ query: 'subscription { changed(topic: "t") { n } }' });
    const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const open = async () => {
      const connection = await openRawConnection(live.url);
      connection.write(head, body);
      await connection.receivedMatch(/:\n\n/);
      return connection;
    };
    const timers = live.clock.timers;
    const connections: RawConnection[] = [];
    for (let i = 0; i < 500; i++) connections.push(await open());
    await until(() => live.topic('t').waits === 500);
    expect(live.clock.timers).toBe(timers + 1); // One timer for all.
    live.topic('t').emit({ n: 1 });
    await until(() => live.topic('t').waits === 1000);
    expect(live.calls).toEqual({ changed: 1, n: 1 });
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
    await until(() => live.topic('t').readers === 0 && live.clock.timers === timers);
    expect(live.sources[0]?.readContext.signal.aborted).toBe(true);
    const next = await open(); // Within the limit again.
    await next[Symbol.asyncDispose]();
  });
});
