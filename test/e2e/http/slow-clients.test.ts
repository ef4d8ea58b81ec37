import { describe, expect, it } from 'vitest';
import { openLobby } from '../../kit/attack/connection-count.ts';
import { answersIn, exchange, openWire } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startScript } from '../../kit/process/process.ts';

// These waits are Node's and take real time: short ones by the settings, and their end is awaited. Not too short for the
// others, who are to be answered on a machine that is busy.
const SHORT = { HEADERS_TIMEOUT_MS: '1500', BODY_TIMEOUT_MS: '1500', IDLE_TIMEOUT_MS: '500' };

const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\n';
const POST = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

async function expectAnswerForAnother({ url }: TestGateway) {
  const [answer] = await exchange(url, `${HEALTH}Connection: close\r\n\r\n`);
  expect(answer?.status).toBe(200);
}

/** Opens a connection, sends the bytes, and goes on with a byte at a time until it is closed. Gives what came back. */
async function drip(gateway: TestGateway, bytes: string, drop: string) {
  await using wire = await openWire(gateway.url);
  wire.write(bytes);
  let isOpen = true;
  void wire.closed.then(() => {
    isOpen = false;
  });
  while (isOpen) {
    wire.write(drop);
    await expectAnswerForAnother(gateway);
  }
  return answersIn(await wire.closed);
}

const REFUSED = { errors: [{ message: 'The request: expected sooner.', extensions: { code: 'BAD_REQUEST' } }] };

describe('a client that takes its time', () => {
  it('over the headers is refused, however it drips, while others are answered', async () => {
    await using gateway = await startGateway(SHORT);
    const lobby = await openLobby(gateway.url);
    const answers = await drip(gateway, `${HEALTH}X-A: `, 'a');
    expect(answers.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([[408, REFUSED]]);
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request refused', level: 30, status: 408 }));
    await lobby.emptied();
  });

  it('over the body is refused, however it drips, while others are answered', async () => {
    await using gateway = await startGateway(SHORT);
    const lobby = await openLobby(gateway.url);
    const [answer, ...more] = await drip(gateway, `${POST}Content-Length: 1000000\r\n\r\n`, ' ');
    expect([answer?.status, JSON.parse(answer?.body ?? '')]).toEqual([408, REFUSED]);
    expect(more).toEqual([]);
    await lobby.emptied();
    const id = answer?.headers['x-request-id'];
    expect(gateway.log.filter(({ requestId }) => requestId === id)).toEqual([
      expect.objectContaining({ msg: 'request', path: '/graphql', status: 408 }),
    ]);
    expect(gateway.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });

  it('over the body is refused in its turn, even if it then hurries', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = await startGateway({ ...SHORT, OPENAI_BASE_URL: upstream.baseUrl });
    const gate = upstream.hold();
    const body = '{"query":"{ fineTuningJobs { edges { cursor } } }"}';
    const wire = await openWire(gateway.url);
    wire.write(`${POST}Content-Length: ${body.length}\r\n\r\n${body}`, `${POST}Content-Length: 2\r\n\r\n{`);
    await gate.arrived(1);
    const later = await openWire(gateway.url);
    later.write(`${POST}Content-Length: 2\r\n\r\n{`);
    await later.closed; // So the earlier one is over as well: its refusal waits behind the first answer.
    wire.write('}');
    await expectAnswerForAnother(gateway);
    gate.release();
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([200, 408]);
  });

  it('over its first byte is refused, which is nothing for the usual log', async () => {
    await using gateway = await startGateway(SHORT);
    const wire = await openWire(gateway.url);
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([408]);
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request refused', level: 20 }));
  });

  it('over its next request loses its connection', async () => {
    await using gateway = await startGateway(SHORT);
    const wire = await openWire(gateway.url);
    wire.write(`${HEALTH}\r\n`);
    expect(answersIn(await wire.closed).map(({ status }) => status)).toEqual([200]);
  });

  it('over reading its answer loses its connection', async () => {
    await using gateway = await startGateway({ IDLE_TIMEOUT_MS: '500' });
    const lobby = await openLobby(gateway.url);
    await using wire = await openWire(gateway.url);
    wire.pause();
    wire.write('GET /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n'); // 9 MB: more than any buffer.
    await lobby.arrived(1);
    await expectAnswerForAnother(gateway);
    await lobby.emptied();
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'request', path: '/graphql', isAborted: true }));
  });
});

describe('connections in numbers', () => {
  it('above the cap take the place of those that rest, the longest first', async () => {
    await using gateway = await startGateway({ MAX_CONNECTIONS: '20' });
    const lobby = await openLobby(gateway.url);
    const first = await openWire(gateway.url);
    await using clients = startScript('test/kit/attack/idle-clients.ts', [new URL(gateway.url).port, '39']);
    await clients.said(/^open /m);
    await clients.said(/^closed 19$/m);
    expect(await first.closed).toBe('');
    await expectAnswerForAnother(gateway);
    await clients.said(/^closed 20$/m);
    expect(await lobby.count()).toBe(19);
    expect(gateway.log.filter(({ msg }) => msg === 'too many connections')).toHaveLength(1); // Not one for each.
  });

  it('above the cap are closed at once while every other one waits for its answer', async () => {
    await using upstream = await startUpstream();
    upstream.onJobs([]);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, MAX_CONNECTIONS: '2' });
    const gate = upstream.hold();
    const ask = async (first: number) => {
      const body = JSON.stringify({ query: `{ fineTuningJobs(first: ${first}) { edges { cursor } } }` });
      return await exchange(gateway.url, `${POST}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    };
    const answers = [ask(1), ask(2)];
    await gate.arrived(2);
    const third = await openWire(gateway.url);
    expect(await third.closed).toBe('');
    gate.release();
    for (const answer of answers) expect((await answer).map(({ status }) => status)).toEqual([200]);
    await expectAnswerForAnother(gateway);
  });
});
