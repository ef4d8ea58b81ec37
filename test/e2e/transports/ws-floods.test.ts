import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { openSocket, subscribe, type TestSocket } from '../../kit/client/ws.ts';
import { closeFrame, fragments, frame, openRawSocket } from '../../kit/client/ws-frames.ts';
import { type SubscriptionServer, startSubscriptionServer } from '../../kit/gateway/subscription-server.ts';
import { until } from '../../kit/until.ts';

const FLOODING_SOCKETS = 10;
const FLOOD_BYTES = 1_000_000;
/** Responses to the other client during a flood: generous, because the clients of the flood use the same CPU. */
const MAX_MEDIAN_MS = 250;

const repeat = (bytes: Buffer, length = FLOOD_BYTES) =>
  Buffer.concat(Array<Buffer>(Math.ceil(length / bytes.length)).fill(bytes));

/** Writes bytes to the connection of a client, without its library. */
const writeBytes = (client: TestSocket, ...parts: readonly Buffer[]) =>
  void Object(client.socket)._socket.write(Buffer.concat(parts));

/** Queries until the promise settles; at least once. Expects each result, and a short median time. */
async function expectResultsDuring(live: SubscriptionServer, promise: Promise<unknown>): Promise<void> {
  using client = await openSocket(live.url);
  const times: number[] = [];
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  for (let id = 1; !isOver || id === 1; id++) {
    const start = performance.now();
    client.send(subscribe(`${id}`, '{ role }'));
    expect(await client.next()).toMatchObject({ type: 'next', payload: { data: { role: 'admin' } } });
    await client.next(); // `complete`
    times.push(performance.now() - start);
    live.clock.advance(10); // Below the rate of frames.
  }
  await over;
  expect(times.toSorted((a, b) => a - b)[times.length >> 1]).toBeLessThan(MAX_MEDIAN_MS);
}

const FLOODS: readonly Buffer[] = [
  frame('ping'),
  frame('pong'),
  frame('text', { type: 'ping' }),
  frame('text', { type: 'pong' }),
  fragments(JSON.stringify({ type: 'pong' }).padEnd(200)),
];

describe('a WebSocket that sends more frames than the server reads', () => {
  it('is closed: pings, pongs, messages and fragments', async () => {
    await using live = await startSubscriptionServer();
    const connections = await countConnections(live.url);
    const attack = async (bytes: Buffer) => {
      await using connection = await openRawSocket(live.url);
      connection.write(repeat(bytes));
      expect(closeFrame(1008).exec(await connection.closed)?.[1]).toBe(
        'Frames: too many arrive; expected at most 500 per second.',
      );
    };
    const attacks = Array.from({ length: FLOODING_SOCKETS }, (_, n) =>
      attack(FLOODS[n % FLOODS.length] ?? Buffer.of()),
    );
    await expectResultsDuring(live, Promise.all(attacks));
    await connections.droppedTo(0);
    const lines = live.log.filter(({ msg }) => msg === 'request rejected');
    expect(lines).toHaveLength(FLOODING_SOCKETS);
    expect(lines[0]).toMatchObject({ transport: 'websocket', code: 1008, reason: 'PolicyViolation' });
  });

  it('is read no faster than the rate', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    const last = frame('text', subscribe('1', '{ role }'));
    writeBytes(client, repeat(frame('text', { type: 'complete', id: 'x'.repeat(100) }), 10_000_000), last);
    await expectResultsDuring(live, Promise.resolve());
    let before = -1;
    while (before !== Object(client.socket)._socket.writableLength) {
      before = Object(client.socket)._socket.writableLength;
      for (let turn = 0; turn < 200; turn++) await setImmediate();
    }
    expect(before).toBeGreaterThan(0); // The server has stopped reading.
    const result = client.next();
    let isRead = false;
    void result.then(() => {
      isRead = true;
    });
    await until(() => {
      live.clock.advance(1000);
      return isRead;
    });
    expect(await result).toMatchObject({ id: '1', type: 'next' });
  });

  it('gets a pong for the newest of many pings', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    const pongs: string[] = [];
    client.socket.on('pong', (data) => pongs.push(String(data)));
    writeBytes(client, ...Array.from({ length: 900 }, (_, n) => frame('ping', `${n}`)));
    await until(() => pongs.includes('899'));
    expect(pongs.length).toBeLessThan(10);
    expect(pongs).toEqual(pongs.toSorted((a, b) => Number(a) - Number(b)));
  });
});

describe('a WebSocket before connection_init', () => {
  it.each<[string, Buffer]>([
    ['fragments', fragments('x'.repeat(16_000))],
    ['one large message', frame('text', 'x'.repeat(200_000)).subarray(0, 100_000)],
    ['pings', repeat(frame('ping', 'x'.repeat(100)), 30_000)],
  ])('is closed after 16 KiB: %s', async (_, bytes) => {
    await using live = await startSubscriptionServer();
    const connections = await countConnections(live.url);
    const attack = async () => {
      await using connection = await openRawSocket(live.url, { init: false });
      connection.write(bytes);
      await connection.receivedMatch(closeFrame(1008, 1009));
    };
    await expectResultsDuring(live, Promise.all(Array.from({ length: 30 }, attack)));
    await connections.droppedTo(0);
  });

  it('is disconnected at the timeout, without a closing handshake', async () => {
    await using live = await startSubscriptionServer();
    await using connection = await openRawSocket(live.url, { init: false });
    connection.write(frame('text', 'x'.repeat(100)).subarray(0, 50));
    await expectResultsDuring(live, Promise.resolve());
    const startedAt = performance.now();
    live.clock.advance(10_000);
    expect(await connection.closed).toMatch(closeFrame(4408));
    expect(performance.now() - startedAt).toBeLessThan(1900); // Less than the timeout of a closing handshake.
  });

  it('may send a token of 8 KiB beside it', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url, { init: { headers: { cookie: 'x'.repeat(8 * 1024) } } });
    client.send(subscribe('1', '{ role }'));
    expect(await client.next()).toMatchObject({ type: 'next' });
  });
});

describe('a message', () => {
  it('may have 256 fragments, and with more the socket is closed', async () => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url);
    const text = JSON.stringify(subscribe('1', '{ role }'));
    writeBytes(client, fragments(text.padEnd(256)));
    expect(await client.next()).toMatchObject({ id: '1', type: 'next' });
    writeBytes(client, fragments(text.padEnd(257)));
    expect((await client.closed)[0]).toBe(1008);
    const reason = 'WS_ERR_TOO_MANY_BUFFERED_PARTS';
    expect(live.log).toContainEqual(expect.objectContaining({ msg: 'request rejected', reason }));
  });

  it('that is incomplete after BODY_TIMEOUT_MS closes the socket; pings do not complete it', async () => {
    await using live = await startSubscriptionServer({ BODY_TIMEOUT_MS: '30000', HEARTBEAT_MS: '10000' });
    using quiet = await openSocket(live.url);
    using slow = await openSocket(live.url);
    writeBytes(slow, frame('text', 'x', { isFinal: false }), frame('ping', 'a'));
    await new Promise((resolve) => slow.socket.once('pong', resolve));
    for (let ms = 0; ms < 60_000; ms += 10_000) live.clock.advance(10_000);
    expect(await slow.closed).toEqual([1008, expect.stringMatching(/^Message: .*30000 ms \(BODY_TIMEOUT_MS\)/)]);
    quiet.send(subscribe('1', '{ role }'));
    expect(await quiet.next()).toMatchObject({ type: 'next' });
  });

  it.each<[string, object | false, (nested: object) => object]>([
    ['connection_init', false, (nested) => ({ type: 'connection_init', payload: { nested } })],
    ['ping', {}, (nested) => ({ type: 'ping', payload: { nested } })],
    ['subscribe', {}, (nested) => subscribe('1', '{ role }', { extensions: { nested } })],
  ])('%s that is nested too deep closes the socket before it is parsed', async (_, init, messageOf) => {
    await using live = await startSubscriptionServer();
    using client = await openSocket(live.url, { init });
    const text = JSON.stringify(messageOf([])).replace('[]', '['.repeat(2000) + ']'.repeat(2000));
    client.send(text);
    expect(await client.closed).toEqual([4400, 'Message: exceeds the limit of 1000 nested lists and objects.']);
  });
});
