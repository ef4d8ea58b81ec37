import { describe, expect, it } from 'vitest';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription { changed(topic: "t") { n } }';
/** The error of `fetch` for a body without its end. */
const INCOMPLETE = 'terminated';

describe('a server that shuts down', () => {
  it('is not ready at once, serves for the drain delay, and then ends its streams', async () => {
    await using live = await startSubscriptionServer({ DRAIN_DELAY_MS: '5000' });
    const { timers } = live.clock;
    await using stream = await openSse(live.url, { query: QUERY });
    using socket = await openSocket(live.url);
    socket.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 2);
    const stopped = live.stop();
    expect((await fetch(new URL('/ready', live.url))).status).toBe(503);
    await using late = await openSse(live.url, { query: QUERY });
    await until(() => live.topic('t').waits === 3);
    live.topic('t').emit({ n: 1 });
    for (const open of [stream, late]) expect(await open.result()).toEqual({ data: { changed: { n: 1 } } });
    live.clock.advance(5000);
    for (const open of [stream, late]) await expect(open.result()).rejects.toThrow(INCOMPLETE);
    expect(await socket.closed).toEqual([1001, 'Going away']);
    await stopped;
    expect(live.topic('t').readers).toBe(0);
    await until(() => live.clock.timers === timers);
  });

  it('without a delay ends a few streams at once', async () => {
    const live = await startSubscriptionServer();
    const stream = await openSse(live.url, { query: QUERY });
    await until(() => live.topic('t').waits === 1);
    await live[Symbol.asyncDispose]();
    await expect(stream.result()).rejects.toThrow(INCOMPLETE);
    const [line] = live.log.filter(({ msg }) => msg === 'request');
    expect(line).toMatchObject({ transport: 'sse', results: 0, status: 200, isInterrupted: true });
    expect(line).not.toHaveProperty('isAborted'); // The client has not disconnected.
  });

  it.each([
    ['text/event-stream', /event: next\ndata: .*"n":1.*\n\n\r\n$/],
    ['multipart/mixed;subscriptionSpec="1.0"', /\{"payload":.*"n":1.*\r\n--graphql\r\n$/],
  ])('sends all results, and neither `complete` nor the end of the body as %s', async (accept, end) => {
    await using live = await startSubscriptionServer();
    await using connection = await openRawConnection(live.url);
    const body = JSON.stringify({ query: QUERY });
    connection.write(`POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\n`);
    connection.write(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => live.topic('t').waits === 1);
    live.topic('t').emit({ n: 1 });
    await until(() => live.topic('t').waits === 2);
    await live.stop();
    expect(await connection.closed).toMatch(end);
  });

  it('logs the operations of a WebSocket as interrupted, and completes none', async () => {
    await using live = await startSubscriptionServer();
    using socket = await openSocket(live.url);
    socket.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 1);
    const stopped = live.stop();
    await expect(socket.next()).rejects.toThrow('closed: 1001,Going away');
    await stopped;
    const [line] = live.log.filter(({ msg }) => msg === 'operation');
    expect(line).toMatchObject({ transport: 'websocket', results: 0, isInterrupted: true });
    expect(line).not.toHaveProperty('isAborted');
  });

  it('ends many streams over three seconds', async () => {
    await using live = await startSubscriptionServer();
    const streams = await Promise.all(Array.from({ length: 150 }, () => openSse(live.url, { query: QUERY })));
    await until(() => live.topic('t').waits === 150);
    const stopped = live.stop();
    await until(() => live.topic('t').readers === 145);
    live.clock.advance(1450);
    expect(live.topic('t').readers).toBe(75);
    live.clock.advance(1550);
    expect(live.topic('t').readers).toBe(0);
    for (const stream of streams) await expect(stream.result()).rejects.toThrow(INCOMPLETE);
    await stopped;
  });

  it('closes connections after SHUTDOWN_TIMEOUT_MS that do not read their end', async () => {
    await using live = await startSubscriptionServer({ SHUTDOWN_TIMEOUT_MS: '10000' });
    await using connection = await openRawConnection(live.url);
    const body = JSON.stringify({ query: 'subscription { changed(topic: "t") { text } }' });
    connection.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n',
    );
    connection.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => live.topic('t').waits === 1);
    connection.pause();
    using socket = await openSocket(live.url);
    socket.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 2);
    socket.socket.pause();
    live.topic('t').emit({ n: 1, text: 'x'.repeat(20_000_000) });
    await until(() => live.topic('t').waits === 3);
    let isOver = false;
    const stopped = live.stop().then(() => {
      isOver = true;
    });
    await until(() => live.topic('t').readers === 0);
    live.clock.advance(9999);
    expect(isOver).toBe(false);
    live.clock.advance(1);
    await stopped;
  });
});

describe('a stream without results', () => {
  it('gets a comment at each heartbeat, and is not closed as an idle connection', async () => {
    await using live = await startSubscriptionServer({ IDLE_TIMEOUT_MS: '300', HEARTBEAT_MS: '1000' });
    await using connection = await openRawConnection(live.url);
    const body = JSON.stringify({ query: QUERY });
    connection.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await connection.receivedMatch(/alive/);
    connection.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n',
    );
    connection.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
    await connection.receivedMatch(/:\n\n/);
    await using idle = await openRawConnection(live.url);
    idle.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await idle.closed; // It became idle after the stream was opened.
    live.clock.advance(1000);
    await connection.receivedMatch(/:\n\n[\s\S]*:\n\n/);
    live.clock.advance(1000);
    await connection.receivedMatch(/:\n\n[\s\S]*:\n\n[\s\S]*:\n\n/);
  });
});
