import { describe, expect, it } from 'vitest';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const QUERY = 'subscription { changed(topic: "t") { n text } }';
const SSE = 'text/event-stream';
const MULTIPART = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"';
const TEXT = 'ä € 👩‍🚀 "\n\u2028';

function post(connection: RawConnection, query: string, version: '1.0' | '1.1', accept = SSE): void {
  const body = JSON.stringify({ query });
  connection.write(
    `POST /graphql HTTP/${version}\r\nHost: localhost\r\nAccept: ${accept}\r\n`,
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

const frameOf = (n: number) => `event: next\ndata: {"data":{"changed":{"n":${n},"text":"x"}}}\n\n`;

describe('the bytes of a stream', () => {
  it('are counted as bytes, not as characters, in each format', async () => {
    await using live = await startSubscriptionServer();
    await using events = await openSse(live.url, { query: QUERY });
    await using parts = await openRawConnection(live.url);
    post(parts, QUERY, '1.1', MULTIPART);
    for (let n = 1; n <= 3; n++) {
      await until(() => live.topic('t').waits === 2 * n);
      live.topic('t').emit({ n, text: TEXT.repeat(n * 50) });
      const result = { data: { changed: { n, text: TEXT.repeat(n * 50) } } };
      expect(await events.result()).toEqual(result);
      const json = JSON.stringify({ payload: result });
      const part = Buffer.from(`\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`);
      const chunk = `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`;
      const { input } = await parts.receivedMatch(new RegExp(`"n":${n},[\\s\\S]*--graphql\\r\\n$`));
      expect(input.endsWith(chunk)).toBe(true);
    }
  });

  it('have no chunks for a client of HTTP/1.0', async () => {
    await using live = await startSubscriptionServer();
    await using connection = await openRawConnection(live.url);
    post(connection, QUERY, '1.0');
    for (let n = 1; n <= 2; n++) {
      await until(() => live.topic('t').waits === n);
      live.topic('t').emit({ n, text: 'x' });
    }
    await until(() => live.topic('t').waits === 3);
    live.topic('t').end();
    const [, body] = (await connection.closed).split('\r\n\r\n');
    expect(body).toBe(`:\n\n${frameOf(1)}${frameOf(2)}event: complete\ndata:\n\n`);
  });

  it('follow an earlier response of the same connection', async () => {
    await using live = await startSubscriptionServer();
    await using connection = await openRawConnection(live.url);
    post(connection, '{ slow }', '1.1', 'application/json');
    post(connection, QUERY, '1.1');
    await until(() => live.topic('t').waits === 1 && live.events.length === 1);
    live.topic('t').emit({ n: 1, text: 'x' });
    await until(() => live.topic('t').waits === 2);
    live.release();
    await connection.receivedMatch(/"n":1,/);
    live.topic('t').emit({ n: 2, text: 'x' });
    const { input } = await connection.receivedMatch(/"n":2,.*\n\n\r\n/);
    const frames = [1, 2].map((n) => `${frameOf(n).length.toString(16)}\r\n${frameOf(n)}\r\n`);
    expect(input).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*\{"data":\{"slow":"slow"\}\}HTTP\/1.1 200 OK/);
    expect(input.endsWith(frames.join(''))).toBe(true);
  });
});
