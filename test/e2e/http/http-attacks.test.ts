import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/server/http/request-body.ts';
import { type ConnectionCount, countConnections } from '../../kit/attack/connection-count.ts';
import { exchange, openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

const HOST = 'Host: localhost\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const CLOSE = 'Connection: close\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const BODY = '{"query":"{ __typename }"}';
const CHUNKS = `1a\r\n${BODY}\r\n0\r\n\r\n`;
const RESULT = { data: { __typename: 'Query' } };

let gateway: TestGateway;
let connections: ConnectionCount;
beforeAll(async () => {
  gateway = await startGateway();
  connections = await countConnections(gateway.url);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\n${HOST}${headers}${CLOSE}\r\n`;
const post = (headers: string, body: string) => `POST /graphql HTTP/1.1\r\n${HOST}${JSON_TYPE}${headers}\r\n${body}`;
const posted = (body: string, headers = CLOSE) =>
  post(`Content-Length: ${Buffer.byteLength(body)}\r\n${headers}`, body);

/** Another caller, on its own connection. */
async function expectResponseForOtherCaller() {
  const [response] = await exchange(gateway.url, posted(BODY));
  expect(JSON.parse(response?.body ?? '')).toEqual(RESULT);
}

/** Sends these bytes while another caller gets a response. Resolves to the responses once all connections are closed. */
async function attack(...parts: readonly (string | Uint8Array)[]) {
  const connection = await openRawConnection(gateway.url);
  connection.write(...parts);
  await expectResponseForOtherCaller();
  const responses = parseResponses(await connection.closed);
  await connections.droppedTo(0);
  return responses;
}

/** Expects one error response in the format of all errors, and one log line. */
async function expectRejection(status: number, ...parts: readonly (string | Uint8Array)[]) {
  const responses = await attack(...parts);
  expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([
    [status, { errors: [{ message: expect.any(String), extensions: { code: 'BAD_REQUEST' } }] }],
  ]);
  const [{ headers = {} } = {}] = responses;
  expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  expect(gateway.log.filter(({ requestId }) => requestId === headers['x-request-id'])).toEqual([
    expect.objectContaining({ status, msg: expect.stringMatching(/^request( rejected)?$/) }),
  ]);
}

describe('a request with an ambiguous end is rejected', () => {
  it.each([
    ['the same Content-Length twice', 'Content-Length: 26\r\nContent-Length: 26\r\n', BODY],
    ['two lengths', 'Content-Length: 26\r\nContent-Length: 5\r\n', BODY],
    ['a list of lengths', 'Content-Length: 26, 26\r\n', BODY],
    ['a length with a sign', 'Content-Length: +26\r\n', BODY],
    ['a negative length', 'Content-Length: -1\r\n', BODY],
    ['a length above every integer', 'Content-Length: 99999999999999999999999\r\n', BODY],
    ['a length and chunks', `Content-Length: 26\r\n${CHUNKED}`, CHUNKS],
    ['chunks and a length', `${CHUNKED}Content-Length: 26\r\n`, CHUNKS],
    ['chunked twice in one header', 'Transfer-Encoding: chunked, chunked\r\n', CHUNKS],
    ['chunked in two headers', `${CHUNKED}${CHUNKED}`, CHUNKS],
    ['chunked first', 'Transfer-Encoding: chunked, identity\r\n', CHUNKS],
    ['a coding with a similar name', 'Transfer-Encoding: xchunked\r\n', CHUNKS],
    ['a coding behind a control character', 'Transfer-Encoding: \x0bchunked\r\n', CHUNKS],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n', CHUNKS],
    ['a folded coding', 'Transfer-Encoding:\r\n chunked\r\n', CHUNKS],
    ['a chunk size of letters', CHUNKED, `zz\r\n${BODY}\r\n0\r\n\r\n`],
    ['a negative chunk size', CHUNKED, `-1\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk size with a prefix', CHUNKED, `0x1a\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk size above every integer', CHUNKED, `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`],
    ['a chunk longer than its size', CHUNKED, `1\r\n${BODY}\r\n0\r\n\r\n`],
  ])('%s', async (_, headers, body) => {
    await expectRejection(400, post(headers, body));
  });

  it('chunks in HTTP/1.0', async () => {
    await expectRejection(400, `POST /graphql HTTP/1.0\r\n${HOST}${JSON_TYPE}${CHUNKED}\r\n${CHUNKS}`);
  });

  it('an unsupported coding', async () => {
    await expectRejection(501, post('Transfer-Encoding: gzip, chunked\r\n', CHUNKS));
  });

  it('but not chunked alone, in any case', async () => {
    const responses = await attack(post(`Transfer-Encoding: CHUNKED\r\n${CLOSE}`, CHUNKS));
    expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([[200, RESULT]]);
  });
});

describe('invalid HTTP is rejected', () => {
  it.each([
    ['a folded header', get('/health', 'X-A: 1\r\n 2\r\n')],
    ['a NUL in a header', get('/health', 'X-A: a\0b\r\n')],
    ['a carriage return in a header', get('/health', 'X-A: a\rb\r\n')],
    ['a second Host behind a carriage return', get('/health', 'X-A: a\rHost: evil.example\r\n')],
    ['a space before the colon', 'GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n'],
    ['lines that end without a carriage return', 'GET /health HTTP/1.1\nHost: localhost\n\n'],
    ['no Host', `GET /health HTTP/1.1\r\n${CLOSE}\r\n`],
    ['a version that does not exist', `GET /health HTTP/9.9\r\n${HOST}\r\n`],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', `BREW /health HTTP/1.1\r\n${HOST}\r\n`],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a word', 'hello\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    await expectRejection(400, bytes);
  });

  it.each([
    ['a long header', get('/health', `X-A: ${'a'.repeat(20_000)}\r\n`)],
    ['two megabytes of one header', get('/health', `X-A: ${'a'.repeat(2_000_000)}\r\n`)],
    ['thousands of headers', get('/health', 'X-A: 1\r\n'.repeat(5000))],
    ['a long target', get(`/${'a'.repeat(20_000)}`)],
  ])('%s, as too large', async (_, bytes) => {
    await expectRejection(431, bytes);
  });
});

describe('unusual methods and targets', () => {
  it.each([
    ['CONNECT', 405, `CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n`],
    ['TRACE', 405, `TRACE /graphql HTTP/1.1\r\n${HOST}${CLOSE}\r\n`],
    ['TRACE of another path', 405, `TRACE /health HTTP/1.1\r\n${HOST}${CLOSE}\r\n`],
    ['DELETE', 405, `DELETE /graphql HTTP/1.1\r\n${HOST}${CLOSE}\r\n`],
    ['OPTIONS of the server', 404, `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`],
    ['the URL of another host', 421, get('http://evil.example/health')],
    ['a URL with a user before an allowed host', 421, get('http://evil.example@localhost/health')],
    [
      'an allowed host in the target, another in Host',
      421,
      get('http://localhost/health').replace(HOST, 'Host: evil\r\n'),
    ],
    ['a Host that is not allowed', 421, get('/graphql').replace(HOST, 'Host: evil.example\r\n')],
  ])('are rejected: %s', async (_, status, bytes) => {
    await expectRejection(status, bytes);
  });

  it('are allowed as an absolute URL with an allowed host', async () => {
    const query = encodeURIComponent('{ __typename }');
    const responses = await attack(get(`http://localhost:4000/graphql?query=${query}`));
    expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([[200, RESULT]]);
    const [page] = await attack(get('HTTP://127.0.0.1'));
    expect([page?.status, page?.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it.each([
    ['WebSocket', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'],
    ['HTTP/2', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'],
  ])('get an HTTP/1.1 response without an upgrade to %s', async (_, headers) => {
    const request = get('/health', headers).replace(CLOSE, 'Connection: Upgrade, close\r\n');
    expect((await attack(request)).map(({ status }) => status)).toEqual([200]);
  });

  it('get a response despite an unknown expectation', async () => {
    expect((await attack(get('/health', 'Expect: a miracle\r\n'))).map(({ status }) => status)).toEqual([200]);
  });
});

describe('requests that a browser sends for other sites without a preflight', () => {
  const form = 'query=%7B__typename%7D';
  it.each([
    ['a form', 415, post('', BODY).replace(JSON_TYPE, 'Content-Type: application/x-www-form-urlencoded\r\n'), form],
    ['text', 415, post('', BODY).replace(JSON_TYPE, 'Content-Type: text/plain\r\n'), BODY],
  ])('by %s are rejected', async (_, status, head, body) => {
    const request = head.replace(`\r\n\r\n${BODY}`, `\r\n${CLOSE}Content-Length: ${body.length}\r\n\r\n${body}`);
    await expectRejection(status, request);
  });

  it('by an image are rejected', async () => {
    await expectRejection(403, get(`/graphql?${form}`, 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: image\r\n'));
  });

  it('by a link or an image never execute a mutation', async () => {
    await expectRejection(405, get(`/graphql?query=${encodeURIComponent('mutation { __typename }')}`));
  });
});

describe('the body', () => {
  const padded = (length: number) => {
    const empty = JSON.stringify({ query: '{ __typename }', extensions: { padding: '' } });
    return empty.replace('""', `"${'x'.repeat(length - empty.length)}"`);
  };
  const chunked = (body: string, size: number) => {
    const count = Math.ceil(body.length / size);
    const chunks = Array.from({ length: count }, (_, i) => body.slice(i * size, (i + 1) * size));
    return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
  };

  it('of exactly the maximum size in chunks is accepted', async () => {
    const responses = await attack(post(`${CHUNKED}${CLOSE}`, chunked(padded(MAX_BODY_BYTES), 1000)));
    expect(responses.map(({ status, body }) => [status, JSON.parse(body)])).toEqual([[200, RESULT]]);
  });

  it('of one byte more in chunks is rejected', async () => {
    await expectRejection(413, post(`${CHUNKED}${CLOSE}`, chunked(padded(MAX_BODY_BYTES + 1), 1000)));
  });

  it('of up to 50 MB is rejected, and the client can read the response', async () => {
    for (const length of [7_000_000, 10_000_000, 50_000_000]) {
      const responses = await exchange(gateway.url, posted(padded(length)));
      expect(responses.map(({ status }) => status)).toEqual([413]);
    }
    await expectResponseForOtherCaller();
    await connections.droppedTo(0);
  });

  it('with long chunk extensions is rejected', async () => {
    await expectRejection(413, post(CHUNKED, `1a;${'a=b;'.repeat(9000)}\r\n${BODY}\r\n0\r\n\r\n`));
  });

  it('longer than its Content-Length is read up to there, and the rest is an invalid request', async () => {
    const responses = await attack(posted(`${BODY}`, '').concat('{"query":"{ gateway { version } }"}'));
    expect(responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(JSON.parse(responses[0]?.body ?? '')).toEqual(RESULT);
  });

  it('shorter than its Content-Length is rejected when the client disconnects', async () => {
    const connection = await openRawConnection(gateway.url);
    connection.write(post('Content-Length: 100\r\n', BODY));
    await expectResponseForOtherCaller();
    connection.end();
    expect(parseResponses(await connection.closed).map(({ status }) => status)).toEqual([400]);
    await connections.droppedTo(0);
    expect(gateway.log.filter(({ msg }) => msg === 'internal error')).toEqual([]);
  });
});

describe('pipelined requests on one connection', () => {
  it('get their responses in order', async () => {
    const bodies = ['{ a: __typename }', '{ b: __typename }', '{ c: __typename }'].map((query) =>
      JSON.stringify({ query }),
    );
    const responses = await attack(...bodies.map((body, i) => posted(body, i < 2 ? '' : CLOSE)));
    expect(responses.map(({ body }) => Object.keys(JSON.parse(body).data))).toEqual([['a'], ['b'], ['c']]);
  });

  it('get 1000 responses', async () => {
    const responses = await attack(posted(BODY, '').repeat(1000), get('/health'));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1001);
  });

  it('do not get the error response of the next one', async () => {
    const slow = JSON.stringify({ query: '{ fineTuningJobs(first: 3) { edges { node { id } } } }' });
    const responses = await attack(posted(slow, ''), 'nonsense\r\n\r\n');
    expect(responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(JSON.parse(responses[0]?.body ?? '').data.fineTuningJobs.edges).toHaveLength(3);
  });
});

describe('any bytes instead of a request', () => {
  const valid = Buffer.from(posted(BODY, ''));
  const position = fc.nat(valid.length);
  const damaged = fc
    .tuple(position, position, fc.uint8Array({ maxLength: 8 }))
    .map(([a, b, bytes]) => Buffer.concat([valid.subarray(0, Math.min(a, b)), bytes, valid.subarray(Math.max(a, b))]));
  const arbitrary = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

  it('get no response, or one without a server error', async () => {
    const property = fc.asyncProperty(fc.array(fc.oneof(damaged, arbitrary), { maxLength: 3 }), async (requests) => {
      const connection = await openRawConnection(gateway.url);
      connection.write(...requests);
      connection.end();
      for (const { status } of parseResponses(await connection.closed))
        expect([200, 302, 400, 404, 405, 408, 413, 415, 421, 431, 501]).toContain(status);
    });
    await fc.assert(property, { numRuns: 300 });
    await expectResponseForOtherCaller();
    await connections.droppedTo(0);
    expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});
