import { describe, expect, it } from 'vitest';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { exchange, openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';
import { until } from '../../kit/until.ts';

// Node measures the timeouts of headers and idle time in real time. They are short, but long enough for the other callers on a busy machine.
const SHORT = { HEADERS_TIMEOUT_MS: '1500', BODY_TIMEOUT_MS: '1500', IDLE_TIMEOUT_MS: '500' };

const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\n';
const POST = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

async function expectResponseForOtherCaller({ url }: TestGateway) {
  const [response] = await exchange(url, `${HEALTH}Connection: close\r\n\r\n`);
  expect(response?.status).toBe(200);
}

/** Sends the bytes, and then one byte after another until the connection is closed. Resolves to the responses. */
async function sendSlowly(gateway: TestGateway, bytes: string, byte: string) {
  await using connection = await openRawConnection(gateway.url);
  connection.write(bytes);
  let isOpen = true;
  void connection.closed.then(() => {
    isOpen = false;
  });
  while (isOpen) {
    connection.write(byte);
    await expectResponseForOtherCaller(gateway);
  }
  return parseResponses(await connection.closed);
}

const timeoutOf = (part: 'Headers' | 'Body', setting: string) => ({
  errors: [
    {
      message: `${part}: did not arrive within 1500 ms (${setting}); send ${part === 'Body' ? 'it' : 'them'} without pauses.`,
      extensions: { code: 'BAD_REQUEST' },
    },
  ],
});

describe('a slow client', () => {
  it('that sends its headers byte by byte gets 408, while other callers get responses', async () => {
    await using gateway = await startGateway(SHORT);
    const connections = await countConnections(gateway.url);
    const responses = await sendSlowly(gateway, `${HEALTH}X-A: `, 'a');
    expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
      [408, timeoutOf('Headers', 'HEADERS_TIMEOUT_MS')],
    ]);
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request rejected', level: 30, status: 408 }));
    await connections.droppedTo(0);
  });

  it('that sends its body byte by byte gets 408, while other callers get responses', async () => {
    await using gateway = await startGateway(SHORT);
    const connections = await countConnections(gateway.url);
    const [response, ...others] = await sendSlowly(gateway, `${POST}Content-Length: 1000000\r\n\r\n`, ' ');
    expect([response?.status, JSON.parse(response?.body ?? '')]).toEqual([408, timeoutOf('Body', 'BODY_TIMEOUT_MS')]);
    expect(others).toEqual([]);
    await connections.droppedTo(0);
    const id = response?.headers['x-request-id'];
    expect(gateway.log.filter(({ requestId }) => requestId === id)).toEqual([
      expect.objectContaining({ msg: 'request', path: '/graphql', status: 408 }),
    ]);
    expect(gateway.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });

  it.each([
    ['gets 408', 'application/json', [408]],
    ['is disconnected if its request was rejected,', 'text/plain', [415]],
  ])('that stops within its body %s after BODY_TIMEOUT_MS', async (_, type, statuses) => {
    const clock = createTestClock();
    await using gateway = await startGateway({ BODY_TIMEOUT_MS: '20000' }, clock);
    await using connection = await openRawConnection(gateway.url);
    let isClosed = false;
    void connection.closed.then(() => {
      isClosed = true;
    });
    connection.write(
      `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 9\r\n\r\n{`,
    );
    await until(() => clock.untilNext <= 20_000);
    clock.advance(19_999);
    await expectResponseForOtherCaller(gateway);
    expect(isClosed).toBe(false);
    clock.advance(1);
    const responses = parseResponses(await connection.closed);
    expect(responses.map(({ status }) => status)).toEqual(statuses);
    if (type === 'application/json') expect(responses[0]?.body).toContain('20000 ms (BODY_TIMEOUT_MS)');
  });

  it('that sends its second body too late gets 408 after the first response', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = await startGateway({ ...SHORT, OPENAI_BASE_URL: upstream.baseUrl });
    const gate = upstream.hold();
    const body = '{"query":"{ fineTuningJobs { edges { cursor } } }"}';
    const connection = await openRawConnection(gateway.url);
    connection.write(`${POST}Content-Length: ${body.length}\r\n\r\n${body}`, `${POST}Content-Length: 2\r\n\r\n{`);
    await gate.arrived(1);
    const later = await openRawConnection(gateway.url);
    later.write(`${POST}Content-Length: 2\r\n\r\n{`);
    await later.closed; // Then the earlier request has timed out too; its 408 waits for the first response.
    connection.write('}');
    await expectResponseForOtherCaller(gateway);
    gate.release();
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([200, 408]);
  });

  it('that sends no byte gets 408, which is logged at debug level only', async () => {
    await using gateway = await startGateway(SHORT);
    const connection = await openRawConnection(gateway.url);
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([408]);
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request rejected', level: 20 }));
  });

  it('that sends no further request is disconnected', async () => {
    await using gateway = await startGateway(SHORT);
    const connection = await openRawConnection(gateway.url);
    connection.write(`${HEALTH}\r\n`);
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([200]);
  });

  it('that does not read its response is disconnected', async () => {
    await using gateway = await startGateway({ IDLE_TIMEOUT_MS: '500' });
    const connections = await countConnections(gateway.url);
    await using connection = await openRawConnection(gateway.url);
    connection.pause();
    connection.write('GET /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n'); // 9 MB: more than any buffer.
    await connections.arrived(1);
    await expectResponseForOtherCaller(gateway);
    await connections.droppedTo(0);
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request', path: '/graphql', isAborted: true }));
  });
});

describe('connections above the maximum', () => {
  it('replace idle connections, the longest idle one first', async () => {
    await using gateway = await startGateway({ MAX_CONNECTIONS: '20' });
    const connections = await countConnections(gateway.url);
    const first = await openRawConnection(gateway.url);
    await using clients = startScript('test/kit/attack/idle-clients.ts', [new URL(gateway.url).port, '39']);
    await clients.waitForOutput(/^open /m);
    await clients.waitForOutput(/^closed 19$/m);
    expect(await first.closed).toBe('');
    await expectResponseForOtherCaller(gateway);
    await clients.waitForOutput(/^closed 20$/m);
    expect(await connections.current()).toBe(19);
    expect(gateway.log.filter(({ msg }) => msg === 'connection limit reached')).toHaveLength(1); // Not one per connection.
  });

  it('are closed at once while all others have a request in progress', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, MAX_CONNECTIONS: '2' });
    const gate = upstream.hold();
    const query = async (first: number) => {
      const body = JSON.stringify({ query: `{ fineTuningJobs(first: ${first}) { edges { cursor } } }` });
      return await exchange(gateway.url, `${POST}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
    const requests = [query(1), query(2)];
    await gate.arrived(2);
    const third = await openRawConnection(gateway.url);
    expect(await third.closed).toBe('');
    gate.release();
    for (const request of requests) expect((await request).map(({ status }) => status)).toEqual([200]);
    await expectResponseForOtherCaller(gateway);
  });
});
