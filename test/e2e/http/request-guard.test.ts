import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/server/http/request-body.ts';
import { exchange } from '../../kit/client/raw-http.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';

const QUERY = JSON.stringify({ query: '{ gateway { isSandbox } }' });
const ANSWER = { data: { gateway: { isSandbox: true } } };
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

/** Like fetch, but sends the headers that fetch forbids. */
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

function expectRefusal({ status, body }: Response, expected: number, message: RegExp) {
  expect(status).toBe(expected);
  expect(JSON.parse(body)).toEqual({
    errors: [{ message: expect.stringMatching(message), extensions: { code: 'BAD_REQUEST' } }],
  });
}

describe('the Host header', () => {
  it.each(['localhost', 'LOCALHOST:4000', '127.0.0.1', '127.0.0.1:1', '[::1]:4000'])('%s is answered', async (host) => {
    expect((await post({ host })).status).toBe(200);
  });

  it.each(['evil.example', 'localhost.evil.example', 'localhost:4000:1', '127.0.0.1.nip.io', 'evil.example:4000'])(
    '%j gets 421 wherever no probe asks',
    async (host) => {
      expectRefusal(await post({ host }), 421, /^Host: expected/);
      expectRefusal(await send('GET', '/', { host }), 421, /^Host: expected/);
      expectRefusal(await send('GET', '/healthz', { host }), 421, /^Host: expected/);
      expectRefusal(await send('GET', '/graphql', { host, accept: 'text/html' }), 421, /^Host: expected/);
    },
  );
});

describe('a probe', () => {
  const CLOSE = 'Connection: close\r\n';

  it.each(['Host: 10.1.2.3:4000', 'Host: [fd00::7]:4000', 'Host: gateway.pods.example', 'Host:'])(
    'is answered at /health and /ready by any name: %s',
    async (host) => {
      for (const [path, status] of [
        ['/health', 'alive'],
        ['/ready', 'ready'],
      ]) {
        for (const asked of [path, `${path}?verbose=1`]) {
          const [answer] = await exchange(gateway.url, `GET ${asked} HTTP/1.1\r\n${host}\r\n${CLOSE}\r\n`);
          expect(answer).toMatchObject({ status: 200, body: JSON.stringify({ status }) });
        }
      }
    },
  );

  it('is answered without a name too, in HTTP/1.0', async () => {
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
  ])('is nobody who asks for %s', async (path) => {
    const request = `GET ${path} HTTP/1.1\r\nHost: 10.1.2.3:4000\r\n${CLOSE}\r\n`;
    expect(await exchange(gateway.url, request)).toMatchObject([{ status: 421 }]);
  });

  it('gets nothing by other methods, and nothing for pages of other sites', async () => {
    const ask = async (method: string, header: string) => {
      const request = `${method} /health HTTP/1.1\r\nHost: 10.1.2.3:4000\r\n${header}${CLOSE}\r\n`;
      return (await exchange(gateway.url, request)).map(({ status }) => status);
    };
    expect(await ask('DELETE', '')).toEqual([405]);
    expect(await ask('GET', 'Origin: http://10.1.2.3:4000\r\n')).toEqual([403]);
  });
});

it.each(['/graphql', '/health'])('two Host headers get 400 at %s, whichever is right', async (path) => {
  const hosts = 'Host: localhost\r\nHOST: evil.example\r\n';
  const answers = await exchange(gateway.url, `GET ${path} HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`);
  expect(answers).toMatchObject([{ status: 400 }]);
});

describe('the Origin header', () => {
  it.each(['http://localhost:4000', 'https://localhost', 'http://127.0.0.1:5173', 'http://[::1]:4000'])(
    '%s is answered',
    async (origin) => {
      expect((await post({ origin })).status).toBe(200);
    },
  );

  it.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'file://', 'localhost@evil.example'])(
    '%s gets 403',
    async (origin) => {
      expectRefusal(await post({ origin }), 403, /^Origin: expected/);
    },
  );
});

describe('requests of other sites that a browser sends without asking', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['a form with files', 'multipart/form-data; boundary=x'],
    ['plain text', 'text/plain'],
    ['plain text that contains JSON', 'text/plain; application/json'],
    ['GraphQL text', 'application/graphql'],
    ['JSON in another encoding', 'application/json; charset=utf-16'],
    ['nonsense', 'nonsense'],
    ['JSON with far too much behind it', `application/json;a=b${' '.repeat(15_000)}x`],
  ])('%s by POST is refused', async (_, type) => {
    expectRefusal(await post({ 'content-type': type }), 415, /^Content-Type: expected application\/json/);
  });

  it('a compressed body is refused', async () => {
    expectRefusal(await post({ 'content-encoding': 'gzip' }), 415, /^Content-Encoding: expected none/);
  });

  it('a POST without a content type is refused', async () => {
    expectRefusal(await send('POST', '/graphql', {}, QUERY), 415, /^Content-Type/);
  });

  it.each(['cross-site', 'same-site'])('a GET with Sec-Fetch-Site: %s is refused', async (site) => {
    expectRefusal(await get('{ __typename }', { 'sec-fetch-site': site }), 403, /^Sec-Fetch-Site: expected/);
  });

  it('a GET of the own page is answered', async () => {
    expect((await get('{ __typename }', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('a preflight gets no permission', async () => {
    const response = await send('OPTIONS', '/graphql', {
      origin: 'http://localhost:5173',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    });
    expectRefusal(response, 405, /^The method/);
    expect(response.headers['allow']).toBe('GET, POST');
  });

  it('no answer carries a CORS header', async () => {
    const answers = [
      await post({ origin: 'http://localhost:5173' }),
      await get('{ __typename }', { origin: 'http://localhost:5173' }),
      await send('OPTIONS', '/graphql', { origin: 'http://localhost:5173' }),
      await post({ origin: 'https://evil.example' }),
    ];
    const names = answers.flatMap(({ headers }) => Object.keys(headers));
    expect(names.filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('a mutation by GET is refused before it is run', async () => {
    const response = await get('mutation { __typename }');
    expectRefusal(response, 405, /^A mutation: expected POST/);
    expect(response.headers['allow']).toBe('POST');
  });
});

describe('the body', () => {
  const padded = (length: number) => {
    const query = { query: '{ gateway { isSandbox } }', extensions: { padding: '' } };
    const room = length - JSON.stringify(query).length;
    return JSON.stringify({ ...query, extensions: { padding: 'x'.repeat(room) } });
  };

  it('of exactly the cap is answered', async () => {
    const { status, body } = await post({}, padded(MAX_BODY_BYTES));
    expect([status, JSON.parse(body)]).toEqual([200, ANSWER]);
  });

  it('of one byte more gets 413', async () => {
    expectRefusal(await post({}, padded(MAX_BODY_BYTES + 1)), 413, /at most 1048576 bytes/);
  });

  it('of several times the cap gets 413 as well, each time', async () => {
    const large = padded(6 * MAX_BODY_BYTES);
    for (let i = 0; i < 10; i++) expect((await post({}, large)).status).toBe(413);
  });

  it('that goes on far beyond the cap is cut off', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', resolve));
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n',
    );
    const chunk = Buffer.alloc(MAX_BODY_BYTES, 32);
    const more = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', more);
    more();
    await closed;
  });

  it('of one byte more in chunks gets 413', async () => {
    expectRefusal(await post({ 'transfer-encoding': 'chunked' }, padded(MAX_BODY_BYTES + 1)), 413, /at most/);
  });

  it('of exactly the cap in chunks is answered', async () => {
    expect((await post({ 'transfer-encoding': 'chunked' }, padded(MAX_BODY_BYTES))).status).toBe(200);
  });

  it('counts bytes, not characters', async () => {
    const query = JSON.stringify({ query: `{ __typename } #${'é'.repeat(MAX_BODY_BYTES / 2)}` });
    expectRefusal(await post({}, query), 413, /at most/);
  });

  it('that is a batch is refused', async () => {
    expectRefusal(await post({}, `[${QUERY}]`), 400, /expected one object; batches are not answered/);
  });

  it('that is not UTF-8 is refused', async () => {
    expectRefusal(await post({}, Buffer.from([0x7b, 0xff, 0x7d])), 400, /expected JSON in UTF-8/);
  });

  it.each([
    ['', /The body: expected JSON/],
    ['{', /The body: expected JSON/],
    ['null', /The body: expected one object/],
    ['{}', /query: expected a string/],
    ['{"query":1}', /query: expected a string/],
    ['{"query":"{a}","variables":[]}', /variables: expected an object/],
    ['{"query":"{a}","operationName":1}', /operationName: expected a string/],
  ])('%j is refused with what was expected', async (body, message) => {
    expectRefusal(await post({}, body), 400, message);
  });
});

describe('answers', () => {
  it('carry a request id, which is also in the log line', async () => {
    const { headers } = await post();
    const line = gateway.log.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ msg: 'request', method: 'POST', path: '/graphql', status: 200, upstreamCalls: 0 });
  });

  it('keep the request id of a proxy, unless it is no plain word', async () => {
    expect((await post({ 'x-request-id': 'edge-42' })).headers['x-request-id']).toBe('edge-42');
    expect((await post({ 'x-request-id': 'a b{}' })).headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  it('leave one log line with the operation, the milliseconds and the upstream calls', async () => {
    const { headers } = await post(
      {},
      JSON.stringify({ query: 'query Newest { fineTuningJobs(first: 7) { edges { cursor } } }' }),
    );
    expect(gateway.log.filter(({ requestId }) => requestId === headers['x-request-id'])).toEqual([
      expect.objectContaining({ operation: 'Newest', ms: expect.any(Number), upstreamCalls: 1 }),
    ]);
  });

  it('leave in the log line how many errors they had, and their codes, each once and without its message', async () => {
    const NO_JOB =
      'errors: fineTuningJobs(first: 101) { scannedCount } more: fineTuningJobs(first: 0) { scannedCount }';
    const told = async (body: object, headers = {}) => {
      const answer = await post(headers, JSON.stringify(body));
      const line = gateway.log.find(({ requestId }) => requestId === answer.headers['x-request-id']);
      for (const { message } of JSON.parse(answer.body).errors ?? [])
        expect(JSON.stringify(line)).not.toContain(message);
      return [line?.['errors'], line?.['errorCodes']];
    };
    expect(await told({ query: '{ __typename }' })).toEqual([undefined, undefined]);
    expect(await told({ query: `{ ${NO_JOB} }` })).toEqual([2, ['BAD_USER_INPUT']]);
    expect(await told({ query: '{ a b }' })).toEqual([2, ['GRAPHQL_VALIDATION_FAILED']]);
    expect(await told({ query: '{' })).toEqual([1, ['GRAPHQL_PARSE_FAILED']]);
    expect(await told({})).toEqual([1, ['BAD_REQUEST']]);
    expect(await told({ query: '{ __typename }' }, { host: 'evil.example' })).toEqual([1, ['BAD_REQUEST']]);
    const variables = { a: 'a'.repeat(100_001) };
    expect(await told({ query: '{ __typename }', variables })).toEqual([1, ['QUERY_TOO_COMPLEX']]);
  });

  it('leave a log line of bounded length', async () => {
    const name = 'N'.repeat(100_000);
    const { headers } = await post({}, JSON.stringify({ query: `query ${name} { __typename }` }));
    const line = gateway.log.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(JSON.stringify(line).length).toBeLessThan(500);
  });

  it('are not kept by caches nor guessed at by browsers', async () => {
    expect((await post()).headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('come in the media type that was asked for', async () => {
    const type = async (accept: string) => (await post({ accept })).headers['content-type'];
    expect(await type('application/graphql-response+json')).toBe('application/graphql-response+json; charset=utf-8');
    expect(await type('application/graphql-response+json, application/json;q=0.9')).toContain('graphql-response');
    expect(await type('application/json, */*;q=0.1')).toBe('application/json; charset=utf-8');
    expect(await type('application/graphql-response+json; charset=utf-8, application/json; charset=utf-8')).toContain(
      'graphql-response',
    );
    expect((await post()).headers['vary']).toBe('accept');
    expectRefusal(await post({ accept: 'image/png' }), 406, /^Accept: expected/);
  });

  it('to the same question keep the media types apart', async () => {
    const body = JSON.stringify({ query: '{ gateway { version } }' });
    const type = async (accept: string) => (await post({ accept }, body)).headers['content-type'];
    expect(await type('application/json')).toContain('application/json');
    expect(await type('application/graphql-response+json')).toContain('application/graphql-response+json');
    expect(await type('application/json')).toContain('application/json');
  });

  it('to the same question are the same bytes, with a request id and a log line of their own', async () => {
    const body = JSON.stringify({ query: 'query Again { fineTuningJobs(first: 9) { edges { node { id } } } }' });
    const [first, second] = [await post({}, body), await post({}, body)];
    expect(second.body).toBe(first.body);
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    const lines = gateway.log.filter(({ operation }) => operation === 'Again');
    expect(lines.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0]);
  });

  it('to an unknown path are 404, and the root leads to GraphiQL', async () => {
    expectRefusal(await send('GET', '/admin'), 404, /^The path: expected \/graphql/);
    expect((await send('GET', '/')).headers['location']).toBe('/graphql');
  });
});

describe('errors of a request', () => {
  const ask = async (body: object) => JSON.parse((await post({}, JSON.stringify(body))).body);

  it.each([
    ['a document that is not GraphQL', { query: '{' }, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', { query: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['a missing variable', { query: 'query ($id: ID!) { node(id: $id) { id } }' }, 'BAD_USER_INPUT'],
    [
      'an unknown operation',
      { query: 'query A { __typename } query B { __typename }', operationName: 'C' },
      'BAD_USER_INPUT',
    ],
    ['no choice among operations', { query: 'query A { __typename } query B { __typename }' }, 'BAD_USER_INPUT'],
  ])('have a code: %s', async (_, body, code) => {
    const { errors, ...rest } = await ask(body);
    expect(errors).toEqual([expect.objectContaining({ message: expect.any(String), extensions: { code } })]);
    expect(rest).toEqual({});
  });

  it('say where in the document', async () => {
    expect((await ask({ query: '{\n  nothing\n}' })).errors[0].locations).toEqual([{ line: 2, column: 3 }]);
    expect((await ask({ query: '{\n  (' })).errors[0].locations).toEqual([{ line: 2, column: 3 }]);
  });
});

describe('health', () => {
  it('is alive and ready while it serves', async () => {
    expect(JSON.parse((await send('GET', '/health')).body)).toEqual({ status: 'alive' });
    expect(JSON.parse((await send('GET', '/ready')).body)).toEqual({ status: 'ready' });
  });
});

describe('GraphiQL', () => {
  const page = (headers: Record<string, string> = {}) =>
    send('GET', '/graphql', { accept: 'text/html,*/*;q=0.8', ...headers });

  it('is served to browsers, whole and by its tag only once', async () => {
    const { status, headers, body } = await page();
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toContain('<title>Finetune Gateway</title>');
    expect((await page({ 'if-none-match': String(headers['etag']) })).status).toBe(304);
  });

  it('comes compressed to those who can read that', async () => {
    const { headers } = await page({ 'accept-encoding': 'br, gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(Number(headers['content-length'])).toBeLessThan(4_000_000);
  });

  it('opens from a link on another site', async () => {
    expect((await page({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status).toBe(200);
  });
});

it('answers on while a client sends its request by halves and leaves', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"query":`,
  );
  await new Promise((resolve) => socket.once('ready', resolve));
  socket.destroy();
  expect((await post()).status).toBe(200);
});
