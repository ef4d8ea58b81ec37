import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/server/http/request-body.ts';
import { exchange } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

const QUERY = JSON.stringify({ query: '{ gateway { isSandbox } }' });
const RESULT = { data: { gateway: { isSandbox: true } } };
const JSON_TYPE = { 'content-type': 'application/json' };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway[Symbol.asyncDispose]());

interface Response {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Like fetch, but with headers that fetch forbids. */
function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, gateway.url), { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject).end(body);
  });
}

const post = (headers: Record<string, string> = {}, body: string | Buffer = QUERY) =>
  send('POST', '/graphql', { ...JSON_TYPE, ...headers }, body);
const get = (query: string, headers: Record<string, string> = {}) =>
  send('GET', `/graphql?${new URLSearchParams({ query })}`, headers);

function expectRejection({ status, body }: Response, expected: number, message: RegExp) {
  expect(status).toBe(expected);
  expect(JSON.parse(body)).toEqual({
    errors: [{ message: expect.stringMatching(message), extensions: { code: 'BAD_REQUEST' } }],
  });
}

describe('the Host header', () => {
  it.each(['localhost', 'LOCALHOST:4000', '127.0.0.1', '127.0.0.1:1', '[::1]:4000'])('%s is allowed', async (host) => {
    expect((await post({ host })).status).toBe(200);
  });

  it.each(['evil.example', 'localhost.evil.example', 'localhost:4000:1', '127.0.0.1.nip.io', 'evil.example:4000'])(
    '%j gets 421 for every path that is no health probe',
    async (host) => {
      expectRejection(await post({ host }), 421, /^Host: "[^"]+" is not allowed; expected localhost/);
      expectRejection(await send('GET', '/', { host }), 421, /^Host: "[^"]+" is not allowed; expected localhost/);
      expectRejection(
        await send('GET', '/healthz', { host }),
        421,
        /^Host: "[^"]+" is not allowed; expected localhost/,
      );
      expectRejection(
        await send('GET', '/graphql', { host, accept: 'text/html' }),
        421,
        /^Host: "[^"]+" is not allowed; expected localhost/,
      );
    },
  );
});

describe('a health probe', () => {
  const CLOSE = 'Connection: close\r\n';

  it.each(['Host: 10.1.2.3:4000', 'Host: [fd00::7]:4000', 'Host: gateway.pods.example', 'Host:'])(
    'gets a response at /health and /ready with any host: %s',
    async (host) => {
      for (const [path, status] of [
        ['/health', 'alive'],
        ['/ready', 'ready'],
      ]) {
        for (const target of [path, `${path}?verbose=1`]) {
          const [response] = await exchange(gateway.url, `GET ${target} HTTP/1.1\r\n${host}\r\n${CLOSE}\r\n`);
          expect(response).toMatchObject({ status: 200, body: JSON.stringify({ status }) });
        }
      }
    },
  );

  it('gets a response without a Host header in HTTP/1.0', async () => {
    expect(await exchange(gateway.url, 'GET /health HTTP/1.0\r\n\r\n')).toMatchObject([{ status: 200 }]);
    expect(await exchange(gateway.url, 'GET / HTTP/1.0\r\n\r\n')).toMatchObject([{ status: 400 }]);
  });

  it.each([
    '/health/',
    '/Health',
    '/healthz',
    '/health/../graphql',
    '/%68ealth',
    '//health',
    '/ready;/graphql',
    '/graphql',
  ])('is no request for %s', async (path) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: 10.1.2.3:4000\r\n${CLOSE}\r\n`;
    expect(await exchange(gateway.url, request)).toMatchObject([{ status: 421 }]);
  });

  it('is rejected with another method, and for pages of other sites', async () => {
    const statusesOf = async (method: string, header: string) => {
      const request = `${method} /health HTTP/1.1\r\nHost: 10.1.2.3:4000\r\n${header}${CLOSE}\r\n`;
      return (await exchange(gateway.url, request)).map(({ status }) => status);
    };
    expect(await statusesOf('DELETE', '')).toEqual([405]);
    expect(await statusesOf('GET', 'Origin: http://10.1.2.3:4000\r\n')).toEqual([403]);
  });
});

it.each(['/graphql', '/health'])('two Host headers get 400 at %s, whichever is allowed', async (path) => {
  const hosts = 'Host: localhost\r\nHOST: evil.example\r\n';
  const responses = await exchange(gateway.url, `GET ${path} HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
  expect(responses).toMatchObject([{ status: 400 }]);
  expect(JSON.parse(responses[0]?.body ?? '').errors[0].message).toBe(
    'Host: is sent 2 times; expected exactly one, such as localhost:4000.',
  );
});

describe('the Origin header', () => {
  it.each(['http://localhost:4000', 'https://localhost', 'http://127.0.0.1:5173', 'http://[::1]:4000'])(
    '%s is allowed',
    async (origin) => {
      expect((await post({ origin })).status).toBe(200);
    },
  );

  it.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'file://', 'localhost@evil.example'])(
    '%s gets 403',
    async (origin) => {
      expectRejection(await post({ origin }), 403, /^Origin: "[^"]+" is not allowed; expected a page of localhost/);
    },
  );
});

describe('requests that a browser sends for other sites without a preflight', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['plain text', 'text/plain'],
    ['plain text that contains JSON', 'text/plain; application/json'],
    ['GraphQL text', 'application/graphql'],
    ['JSON in another encoding', 'application/json; charset=utf-16'],
    ['nonsense', 'nonsense'],
    ['JSON with a parameter of 15,000 characters', `application/json;a=b${' '.repeat(15_000)}x`],
  ])('%s by POST is rejected', async (_, type) => {
    expectRejection(
      await post({ 'content-type': type }),
      415,
      /^Content-Type: ".+" is not supported; expected application\/json/,
    );
  });

  it('a form with files by POST needs the header GraphQL-Require-Preflight', async () => {
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    expectRejection(
      await post(type),
      415,
      /^GraphQL-Require-Preflight: is missing; .* such as GraphQL-Require-Preflight: 1/,
    );
  });

  it.each(['gzip', 'br', 'identity, zstd'])(
    'a body that is compressed by %s is rejected with its name',
    async (encoding) => {
      const response = await post({ 'content-encoding': encoding });
      expectRejection(response, 415, new RegExp(`^Content-Encoding: "${encoding}" is not supported; send`));
      expect(response.headers['accept-encoding']).toBe('identity');
    },
  );

  it('a body in another character encoding is rejected with its name', async () => {
    const type = { 'content-type': 'application/json; charset=utf-16' };
    expectRejection(await post(type), 415, /^Content-Type: "application\/json; charset=utf-16" is not .*UTF-8/);
  });

  it('a POST without a Content-Type is rejected', async () => {
    expectRejection(await send('POST', '/graphql', {}, QUERY), 415, /^Content-Type: is missing; expected/);
  });

  it.each(['cross-site', 'same-site'])('a GET with Sec-Fetch-Site: %s is rejected', async (site) => {
    expectRejection(
      await get('{ __typename }', { 'sec-fetch-site': site }),
      403,
      new RegExp(`^Sec-Fetch-Site: is ${site}; expected same-origin`),
    );
  });

  it('a GET of the own origin is allowed', async () => {
    expect((await get('{ __typename }', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('a CORS preflight is rejected', async () => {
    const response = await send('OPTIONS', '/graphql', {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    });
    expectRejection(response, 405, /^Method: OPTIONS is not supported at \/graphql; expected GET or POST/);
    expect(response.headers['allow']).toBe('GET, POST');
  });

  it('no response has a CORS header', async () => {
    const responses = [
      await post({ origin: 'http://localhost:5173' }),
      await get('{ __typename }', { origin: 'http://localhost:5173' }),
      await send('OPTIONS', '/graphql', { origin: 'http://localhost:5173' }),
      await post({ origin: 'https://evil.example' }),
    ];
    const names = responses.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('a mutation by GET is rejected before its execution', async () => {
    const response = await get('mutation { __typename }');
    expectRejection(response, 405, /^Method: GET cannot execute a mutation; expected POST\.$/);
    expect(response.headers['allow']).toBe('POST');
  });
});

describe('the body', () => {
  const padded = (length: number) => {
    const query = { query: '{ gateway { isSandbox } }', extensions: { padding: '' } };
    const paddingLength = length - JSON.stringify(query).length;
    return JSON.stringify({ ...query, extensions: { padding: 'x'.repeat(paddingLength) } });
  };

  it('of exactly the maximum size is accepted', async () => {
    const { status, body } = await post({}, padded(MAX_BODY_BYTES));
    expect([status, JSON.parse(body)]).toEqual([200, RESULT]);
  });

  it('of one byte more gets 413', async () => {
    expectRejection(await post({}, padded(MAX_BODY_BYTES + 1)), 413, /^Body: exceeds the limit of 1048576 bytes; /);
  });

  it('of several times the maximum gets 413 each time', async () => {
    const large = padded(6 * MAX_BODY_BYTES);
    for (let i = 0; i < 10; i++) expect((await post({}, large)).status).toBe(413);
  });

  it('that continues far above the maximum closes the connection', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', resolve));
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n',
    );
    const chunk = Buffer.alloc(MAX_BODY_BYTES, 32);
    const writeMore = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', writeMore);
    writeMore();
    await closed;
  });

  it('of one byte more in chunks gets 413', async () => {
    expectRejection(await post({ 'transfer-encoding': 'chunked' }, padded(MAX_BODY_BYTES + 1)), 413, /^Body: exceeds/);
  });

  it('of exactly the maximum size in chunks is accepted', async () => {
    expect((await post({ 'transfer-encoding': 'chunked' }, padded(MAX_BODY_BYTES))).status).toBe(200);
  });

  it('is measured in bytes, not in characters', async () => {
    const query = JSON.stringify({ query: `{ __typename } #${'é'.repeat(MAX_BODY_BYTES / 2)}` });
    expectRejection(await post({}, query), 413, /^Body: exceeds/);
  });

  it('that is a batch is rejected', async () => {
    expectRejection(await post({}, `[${QUERY}]`), 400, /^Body: is not an object; .*batches are not supported/);
  });

  it('that is not UTF-8 is rejected', async () => {
    expectRejection(
      await post({}, Buffer.from([0x7b, 0xff, 0x7d])),
      400,
      /^Body: is not valid JSON in UTF-8; expected an object such as \{"query": /,
    );
  });

  it.each([
    ['', /^Body: is not valid JSON/],
    ['{', /^Body: is not valid JSON/],
    ['null', /^Body: is not an object; expected one such as/],
    ['{}', /^query: is missing; expected a GraphQL document, such as \{ gateway \{ version \} \}\.$/],
    ['{"query":1}', /^query: is not a string; expected one such as/],
    [
      '{"query":"{a}","variables":[]}',
      /^variables: is not an object; expected one such as \{"id": "ftjob-abc123"\}\.$/,
    ],
    ['{"query":"{a}","operationName":1}', /^operationName: is not a string; expected one such as Jobs\.$/],
  ])('%j is rejected with an example', async (body, message) => {
    expectRejection(await post({}, body), 400, message);
  });
});

describe('responses', () => {
  it('have a request id, which is also in the log line', async () => {
    const { headers } = await post();
    const line = gateway.log.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ msg: 'request', method: 'POST', path: '/graphql', status: 200, upstreamCalls: 0 });
  });

  it('reuse the request id of a proxy, unless it has other characters than letters, digits, _ and -', async () => {
    expect((await post({ 'x-request-id': 'edge-42' })).headers['x-request-id']).toBe('edge-42');
    expect((await post({ 'x-request-id': 'a b{}' })).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  it('have one log line with the operation, the milliseconds and the upstream calls', async () => {
    const { headers } = await post(
      {},
      JSON.stringify({ query: 'query Newest { fineTuningJobs(first: 7) { edges { cursor } } }' }),
    );
    expect(gateway.log.filter(({ requestId }) => requestId === headers['x-request-id'])).toEqual([
      expect.objectContaining({ operation: 'Newest', ms: expect.any(Number), upstreamCalls: 1 }),
    ]);
  });

  it('have the number of their errors and each code once in the log line, without the messages', async () => {
    const INVALID_FIELDS =
      'errors: fineTuningJobs(first: 101) { scannedCount } more: fineTuningJobs(first: 0) { scannedCount }';
    const loggedErrorsOf = async (body: object, headers = {}) => {
      const response = await post(headers, JSON.stringify(body));
      const line = gateway.log.find(({ requestId }) => requestId === response.headers['x-request-id']);
      for (const { message } of JSON.parse(response.body).errors ?? [])
        expect(JSON.stringify(line)).not.toContain(message);
      return [line?.['errors'], line?.['errorCodes']];
    };
    expect(await loggedErrorsOf({ query: '{ __typename }' })).toEqual([undefined, undefined]);
    expect(await loggedErrorsOf({ query: `{ ${INVALID_FIELDS} }` })).toEqual([2, ['BAD_USER_INPUT']]);
    expect(await loggedErrorsOf({ query: '{ a b }' })).toEqual([2, ['GRAPHQL_VALIDATION_FAILED']]);
    expect(await loggedErrorsOf({ query: '{' })).toEqual([1, ['GRAPHQL_PARSE_FAILED']]);
    expect(await loggedErrorsOf({})).toEqual([1, ['BAD_REQUEST']]);
    expect(await loggedErrorsOf({ query: '{ __typename }' }, { host: 'evil.example' })).toEqual([1, ['BAD_REQUEST']]);
    const variables = { a: 'a'.repeat(100_001) };
    expect(await loggedErrorsOf({ query: '{ __typename }', variables })).toEqual([1, ['QUERY_TOO_COMPLEX']]);
  });

  it('have a log line of bounded length', async () => {
    const name = 'N'.repeat(100_000);
    const { headers } = await post({}, JSON.stringify({ query: `query ${name} { __typename }` }));
    const line = gateway.log.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(JSON.stringify(line).length).toBeLessThan(500);
  });

  it('are not cached, and their type is not sniffed by browsers', async () => {
    expect((await post()).headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('have the media type of the Accept header', async () => {
    const type = async (accept: string) => (await post({ accept })).headers['content-type'];
    expect(await type('application/graphql-response+json')).toBe('application/graphql-response+json; charset=utf-8');
    expect(await type('application/graphql-response+json, application/json;q=0.9')).toContain('graphql-response');
    expect(await type('application/json, */*;q=0.1')).toBe('application/json; charset=utf-8');
    expect(await type('application/graphql-response+json; charset=utf-8, application/json; charset=utf-8')).toContain(
      'graphql-response',
    );
    expect((await post()).headers['vary']).toBe('accept, accept-encoding');
    expectRejection(
      await post({ accept: 'image/png' }),
      406,
      /^Accept: "image\/png" is not supported; expected application\/graphql-response\+json/,
    );
  });

  it('to equal requests differ by media type', async () => {
    const body = JSON.stringify({ query: '{ gateway { version } }' });
    const type = async (accept: string) => (await post({ accept }, body)).headers['content-type'];
    expect(await type('application/json')).toContain('application/json');
    expect(await type('application/graphql-response+json')).toContain('application/graphql-response+json');
    expect(await type('application/json')).toContain('application/json');
  });

  it('to equal requests are the same bytes, each with its own request id and log line', async () => {
    const body = JSON.stringify({ query: 'query Again { fineTuningJobs(first: 9) { edges { node { id } } } }' });
    const [first, second] = [await post({}, body), await post({}, body)];
    expect(second.body).toBe(first.body);
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    const lines = gateway.log.filter(({ operation }) => operation === 'Again');
    expect(lines.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0]);
  });

  it('to an unknown path are 404 with the known paths', async () => {
    expectRejection(
      await send('GET', '/admin'),
      404,
      /^Path: "\/admin" is unknown; expected \/graphql, \/health, \/ready or \/webhooks\/openai/,
    );
  });

  it('quote input of the client truncated and escaped', async () => {
    const { body } = await send('GET', `/${'a'.repeat(5000)}`);
    expect(JSON.parse(body).errors[0].message).toMatch(/^Path: "\/a{99}\.\.\." is unknown; /);
    const { body: escaped } = await post({ accept: 'image/\u00fc"\\' });
    expect(JSON.parse(escaped).errors[0].message).toMatch(/^Accept: "image\/\\u00c3\\u00bc\\"\\\\" is not supported; /);
  });
});

describe('errors of a request', () => {
  const resultOf = async (body: object) => JSON.parse((await post({}, JSON.stringify(body))).body);

  it.each([
    ['a document that is not GraphQL', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing variable', { query: 'query ($id: ID!) { node(id: $id) { id } }' }, 'BAD_USER_INPUT'],
    [
      'an unknown operation',
      { query: 'query A { __typename } query B { __typename }', operationName: 'C' },
      'BAD_USER_INPUT',
    ],
    [
      'several operations without an operationName',
      { query: 'query A { __typename } query B { __typename }' },
      'BAD_USER_INPUT',
    ],
  ])('have a code: %s', async (_, body, code) => {
    const { errors, ...rest } = await resultOf(body);
    expect(errors).toEqual([expect.objectContaining({ message: expect.any(String), extensions: { code } })]);
    expect(rest).toEqual({});
  });

  it('say which operationName is expected', async () => {
    const query = 'query A { __typename } query B { __typename }';
    const messageFor = async (operationName?: string) => (await resultOf({ query, operationName })).errors[0].message;
    const expected = 'expected the name of an operation in the document, which has 2, such as "A".';
    expect(await messageFor()).toBe(`operationName: is missing; ${expected}`);
    expect(await messageFor('C')).toBe(`operationName: "C" is unknown; ${expected}`);
  });

  it('have a location in the document', async () => {
    expect((await resultOf({ query: '{\n  nothing\n}' })).errors[0].locations).toEqual([{ line: 2, column: 3 }]);
    expect((await resultOf({ query: '{\n  (' })).errors[0].locations).toEqual([{ line: 2, column: 3 }]);
  });
});

describe('the health probes', () => {
  it('respond that the gateway is alive and ready', async () => {
    expect(JSON.parse((await send('GET', '/health')).body)).toEqual({ status: 'alive' });
    expect(JSON.parse((await send('GET', '/ready')).body)).toEqual({ status: 'ready' });
  });
});

describe('GraphiQL', () => {
  const page = (headers: Record<string, string> = {}) =>
    send('GET', '/graphql', { accept: 'text/html,*/*;q=0.8', ...headers });

  it('is served to browsers, with an ETag for revalidation', async () => {
    const { status, headers, body } = await page();
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toContain('<title>Finetune Gateway</title>');
    expect((await page({ 'if-none-match': String(headers['etag']) })).status).toBe(304);
  });

  it('is compressed for clients that accept gzip', async () => {
    const { headers } = await page({ 'accept-encoding': 'br, gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(Number(headers['content-length'])).toBeLessThan(4_000_000);
  });

  it('can be opened by a link on another site', async () => {
    expect((await page({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(200);
  });
});

it('the gateway continues when a client disconnects in the middle of its request', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"query":`,
  );
  await new Promise((resolve) => socket.once('ready', resolve));
  socket.destroy();
  expect((await post()).status).toBe(200);
});
