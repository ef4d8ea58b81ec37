import { subscribe as subscribeToChannel, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openRawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../kit/client/ws.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const CHANGES = 600;
const TEXT = 'x'.repeat(50_000); // 30 MB in total: above the buffers of a connection.
const QUERIES = 20;
const QUERY = 'subscription { changed(topic: "t") { n text } }';

describe('a client that stops reading', () => {
  it.each([
    ['server-sent events', 'text/event-stream'],
    ['multipart', 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'],
  ])('over %s costs bounded memory, delays no other client, and then gets the newest change', async (_, accept) => {
    await using live = await startSubscriptionServer();
    const responses: ServerResponse[] = [];
    const onRequest = (message: unknown) => void responses.push((message as { response: ServerResponse }).response); // As documented by Node.
    subscribeToChannel('http.server.request.start', onRequest);
    await using connection = await openRawConnection(live.url);
    const body = JSON.stringify({ query: QUERY });
    connection.write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: ${accept}\r\nContent-Type: application/json\r\n`,
      `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => live.topic('t').waits === 1);
    connection.pause();
    await using reader = await openSse(live.url, { query: QUERY });
    unsubscribe('http.server.request.start', onRequest);
    await until(() => live.topic('t').waits === 2);
    const results: unknown[] = [];
    const reading = (async () => {
      for (let result = await reader.result(); result; result = await reader.result()) {
        results.push(result);
        if (results.length > 0 && JSON.stringify(result).includes(`"n":${CHANGES}`)) return;
      }
    })();
    for (let n = 1; n <= CHANGES; n++) {
      live.topic('t').emit({ n, text: TEXT });
      await setImmediate();
    }
    await reading; // The other client has the newest change, while this one does not read.
    const [slow] = responses;
    expect(slow?.socket?.writableNeedDrain).toBe(true);
    expect(slow?.writableLength).toBeLessThan(4 * TEXT.length);
    const bufferedBytes = slow?.writableLength;
    live.clock.advance(60_000);
    expect(slow?.writableLength).toBe(bufferedBytes); // Without heartbeats.
    connection.resume();
    const received = await connection.receivedMatch(new RegExp(`"n":${CHANGES},`));
    expect(received.input.match(/"n":/g)?.length).toBeLessThan(CHANGES);
  });

  it('over a WebSocket costs bounded memory, and then gets the newest change', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    client.send(subscribe('1', QUERY));
    await until(() => live.topic('t').waits === 1);
    client.socket.pause();
    for (let n = 1; n <= CHANGES; n++) {
      const { waits } = live.topic('t');
      live.topic('t').emit({ n, text: TEXT });
      for (let turn = 0; turn < 50 && live.topic('t').waits === waits; turn++) await setImmediate();
    }
    expect(live.calls.n).toBeLessThan(CHANGES);
    client.socket.resume();
    let last = await client.next();
    while (!JSON.stringify(last).includes(`"n":${CHANGES},`)) last = await client.next();
    expect(live.calls.n).toBeLessThan(CHANGES);
  });

  it('over a WebSocket but continues to send queries is no longer read from', async () => {
    await using live = await startSubscriptionServer({ RATE_LIMIT_PER_MINUTE: '0' });
    using client = await openSocket(live.url);
    client.socket.pause();
    const message = JSON.stringify(subscribe('1', '{ text(length: 1000000) }'));
    const pong = 'p'.repeat(125);
    for (let n = 0; n < QUERIES; n++) client.send(message.replace('"1"', `"${n}"`));
    for (let n = 0; n < 100_000; n++) client.socket.ping(pong);
    // The buffers of the connection fill up; the rest stays in the client.
    let before = -1;
    while (before !== client.socket.bufferedAmount) {
      before = client.socket.bufferedAmount;
      for (let turn = 0; turn < 200; turn++) await setImmediate();
    }
    expect(before).toBeGreaterThan(0);
    await using other = await openSse(live.url, { query: '{ role }' });
    expect(await other.result()).toEqual({ data: { role: 'admin' } });
    client.socket.resume();
    for (let n = 0; n < QUERIES; n++) expect((await nextResult(client))?.['type']).toBe('next');
  });
});

async function nextResult(client: { next(): Promise<Record<string, unknown>> }) {
  let message = await client.next();
  while (message['type'] === 'complete') message = await client.next();
  return message;
}
