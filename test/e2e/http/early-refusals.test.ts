import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateToken } from '../../../src/server/auth/token.ts';
import { countConnections } from '../../kit/attack/connection-count.ts';
import { exchange, openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import { chunkOf, headOf } from '../../kit/client/upload.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { tokenLine } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const MIB = 1024 * 1024;
const ROUNDS = 20;
const CLOSE = 'Connection: close\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';

const token = generateToken();
const tokenList = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens');
const settings = { AUTH: 'tokens', AUTH_TOKENS_FILE: tokenList, ALLOW_MUTATIONS: 'on', MAX_UPLOAD_MB: '4' };
const valid = `Authorization: Bearer ${token}\r\n`;
const invalid = 'Authorization: Bearer nobody\r\n';

let gateway: TestGateway;
beforeAll(async () => {
  writeFileSync(tokenList, tokenLine('ann', 'admin', token));
  gateway = await startGateway(settings);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(dirname(tokenList), { recursive: true });
});

const postHead = (path: string, headers: string) =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${CLOSE}${headers}\r\n`;
const lengthOf = (bytes: number) => `Content-Length: ${bytes}\r\n`;

/** Sends a head and then a body of so many bytes, as a client that reads nothing before it has sent all of it. */
async function sendAll(head: string, bytes: number, isChunked = false): Promise<number[]> {
  await using connection = await openRawConnection(gateway.url);
  connection.pause();
  connection.write(head);
  const piece = Buffer.alloc(MIB / 4, 'x');
  for (let sent = 0; sent < bytes; sent += piece.length) {
    connection.write(isChunked ? chunkOf(piece) : piece.subarray(0, Math.min(piece.length, bytes - sent)));
    await connection.drained();
  }
  if (isChunked) connection.write('0\r\n\r\n');
  connection.resume();
  return parseResponses(await connection.closed).map(({ status }) => status);
}

describe('a refusal before the body was read, of a request with Connection: close', () => {
  it.each<[string, number, string, bytes: number, isChunked?: boolean]>([
    ['an upload with a wrong token', 401, headOf(6 * MIB, `${CLOSE}${invalid}`), 6 * MIB],
    ['an upload in chunks with a wrong token', 401, headOf(null, `${CLOSE}${invalid}`), 6 * MIB, true],
    ['an upload above the limit', 413, headOf(12 * MIB, `${CLOSE}${valid}`), 12 * MIB],
    ['an upload in chunks that is no form', 400, headOf(null, `${CLOSE}${valid}`), 6 * MIB, true],
    ['a JSON body above the limit', 413, postHead('/graphql', valid + JSON_TYPE + lengthOf(6 * MIB)), 6 * MIB],
    ['a JSON body far above the limit', 413, postHead('/graphql', valid + JSON_TYPE + lengthOf(10 * MIB)), 10 * MIB],
    [
      'a JSON body in chunks far above the limit',
      413,
      postHead('/graphql', `${valid}${JSON_TYPE}Transfer-Encoding: chunked\r\n`),
      10 * MIB,
      true,
    ],
    ['a body of another type', 415, postHead('/graphql', valid + lengthOf(6 * MIB)), 6 * MIB],
    ['an unknown path', 404, postHead('/nowhere', lengthOf(6 * MIB)), 6 * MIB],
    ['another method', 405, postHead('/health', lengthOf(6 * MIB)), 6 * MIB],
    ['another origin', 403, postHead('/graphql', `Origin: https://evil.example\r\n${lengthOf(6 * MIB)}`), 6 * MIB],
    ['another host', 421, postHead('/graphql', lengthOf(6 * MIB)).replace('localhost', 'evil.example'), 6 * MIB],
    [
      'a WebSocket handshake with a body',
      405,
      postHead('/graphql', `Upgrade: websocket\r\n${lengthOf(6 * MIB)}`).replace(CLOSE, 'Connection: Upgrade\r\n'),
      6 * MIB,
    ],
  ])(`arrives each of ${ROUNDS} times: %s`, async (_, status, head, bytes, isChunked) => {
    for (let round = 0; round < ROUNDS; round++) expect(await sendAll(head, bytes, isChunked)).toEqual([status]);
  });

  it('leaves no connection open', async () => {
    const connections = await countConnections(gateway.url);
    await sendAll(postHead('/nowhere', lengthOf(4 * MIB)), 4 * MIB);
    await connections.droppedTo(0);
  });

  it('is logged with its status, and not as aborted by the client', async () => {
    await sendAll(postHead('/logged', lengthOf(4 * MIB)), 4 * MIB);
    await until(() => gateway.log.some(({ path }) => path === '/logged'));
    const line = gateway.log.find(({ path }) => path === '/logged');
    expect(line).toMatchObject({ msg: 'request', status: 404 });
    expect(line).not.toHaveProperty('isAborted');
  });
});

describe('a client that still sends after a refusal with Connection: close', () => {
  const start = async () => {
    const clock = createTestClock();
    const gateway = await startGateway(settings, clock);
    const connections = await countConnections(gateway.url);
    const connection = await openRawConnection(gateway.url, { allowHalfOpen: true });
    const head = headOf(6 * MIB, `${CLOSE}${invalid}`);
    connection.write(head, 'x');
    await connection.receivedMatch(/^HTTP\/1.1 401.*\}$/s);
    await until(() => clock.timers > 0);
    return {
      clock,
      gateway,
      connection,
      connections,
      /** Sends bytes, advances the clock, and returns whether the connection is still open. */
      async isOpenAfter(ms: number, bytes = '') {
        connection.write(bytes);
        await exchange(gateway.url, `GET /health HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`); // Is received after them.
        await connections.droppedTo(1);
        clock.advance(ms);
        await new Promise(setImmediate);
        return (await connections.current()) === 1;
      },
      async [Symbol.asyncDispose]() {
        await connection[Symbol.asyncDispose]();
        await gateway[Symbol.asyncDispose]();
      },
    };
  };

  it('is disconnected after five seconds of silence', async () => {
    await using lingering = await start();
    expect(await lingering.isOpenAfter(4000)).toBe(true);
    expect(await lingering.isOpenAfter(4000, 'x')).toBe(true);
    lingering.clock.advance(2000);
    await lingering.connections.droppedTo(0);
  });

  it('gets no response to another request behind it', async () => {
    await using lingering = await start();
    const rest = Buffer.alloc(6 * MIB - 1, 'x');
    lingering.connection.write(rest, 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    lingering.connection.end();
    expect(parseResponses(await lingering.connection.closed).map(({ status }) => status)).toEqual([401]);
    await lingering.connections.droppedTo(0);
  });
});
