import { expect, it } from 'vitest';
import { openRawConnection, type RawConnection } from '../../kit/client/raw-http.ts';
import { openSse } from '../../kit/client/sse.ts';
import { turning } from '../../kit/clock.ts';
import { type SubscriptionServer, startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

/** Above the interval at which a draining server looks for idle connections, and below all other timers. */
const MAX_CHECK_MS = 100;
const KEPT = /HTTP\/1\.1 200[\s\S]*Connection: keep-alive[\s\S]*\}$/;
const LAST = /HTTP\/1\.1 200[\s\S]*Connection: close[\s\S]*\}$/;

function ask(connection: RawConnection, query: string): void {
  const body = JSON.stringify({ query });
  connection.write('POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
  connection.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
}

/** A connection that is idle after a response. */
async function openIdle({ url }: SubscriptionServer): Promise<RawConnection> {
  const connection = await openRawConnection(url);
  ask(connection, '{ role }');
  await connection.receivedMatch(KEPT);
  return connection;
}

it('a stopping server says in each response that its connection ends, also of requests in progress', async () => {
  await using live = await startSubscriptionServer({ DRAIN_DELAY_MS: '5000' });
  await using idle = await openIdle(live);
  await using busy = await openRawConnection(live.url);
  ask(busy, '{ slow }');
  await until(() => live.events.length === 1);
  const stopped = live.stop();
  live.release();
  expect(await busy.closed).toMatch(LAST);
  ask(idle, '{ role }');
  expect(await idle.closed).toMatch(LAST);
  live.clock.advance(5000);
  await stopped;
});

it('a server that no longer listens answers requests on idle connections, and goes on with its streams', async () => {
  await using live = await startSubscriptionServer({ IDLE_DRAIN_MS: '10000' });
  await using stream = await openSse(live.url, { query: 'subscription { changed(topic: "t") { n } }' });
  await using idle = await openIdle(live);
  await using silent = await openRawConnection(live.url); // A proxy can have opened it for a request that is on its way.
  await until(() => live.topic('t').waits === 1);
  const stopped = live.stop();
  await live.clock.timerBelow(MAX_CHECK_MS);
  await expect(openRawConnection(live.url)).rejects.toThrow('ECONNREFUSED');
  for (const connection of [idle, silent]) {
    ask(connection, '{ role }');
    expect(await connection.closed).toMatch(LAST);
  }
  live.topic('t').emit({ n: 1 });
  expect(await stream.result()).toEqual({ data: { changed: { n: 1 } } });
  await turning(live.clock, MAX_CHECK_MS, stopped); // Before the 10 s: no connection is idle.
  await expect(stream.result()).rejects.toThrow('terminated');
});

it('a server closes idle connections after IDLE_DRAIN_MS', async () => {
  await using live = await startSubscriptionServer({ IDLE_DRAIN_MS: '10000' });
  await using idle = await openIdle(live);
  const startedAt = live.clock.now();
  await turning(live.clock, MAX_CHECK_MS, live.stop());
  expect(await idle.closed).toMatch(KEPT);
  expect(live.clock.now() - startedAt).toBe(10_000);
});

it('a stopping server closes a connection at the end of a response that began before', async () => {
  await using live = await startSubscriptionServer();
  await using connection = await openRawConnection(live.url);
  ask(connection, '{ text(length: 16000000) }');
  await connection.receivedMatch(/xxx/);
  connection.pause();
  const stopped = live.stop();
  connection.resume();
  await stopped;
  expect(await connection.closed).toMatch(/Connection: keep-alive[\s\S]*"\}\}$/);
});
