import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { createSelfSigned } from '../../kit/process/certificate.ts';

const JOB = '/fine_tuning/jobs/ftjob-1';
const QUERY = '{ fineTuningJob(id: "ftjob-1") { id } file(id: "file-1") { id } gateway { isSandbox } }';
const SIBLINGS = { file: { id: 'file-1' }, gateway: { isSandbox: false } };
const RETRYING = { UPSTREAM_RETRIES: '2' };
const DEADLINE_MS = 30_000;

/** Responds to a request, given its index from 0. */
type Script = (response: ServerResponse, index: number, world: World) => void;

const respond =
  (status: number, members: object = {}, headers: Record<string, string> = {}): Script =>
  (response) =>
    writeResponse(response, status, envelope(members), headers);
const envelope = (members: object) => ({
  error: { message: 'No.', type: 'invalid_request_error', param: null, code: null, ...members },
});
const respondJob = (response: ServerResponse) => writeResponse(response, 200, jobBody({ id: 'ftjob-1' }));
/** Sends these bytes unchanged. */
const raw =
  (head: string, body = ''): Script =>
  (response) =>
    void response.socket?.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);

/** The response of the gateway, its number of calls for the job, and its duration by the clock. */
async function query(script: Script, settings: Record<string, string> = RETRYING) {
  await using world = await startWorld(settings);
  let index = 0;
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.on(JOB, (_: unknown, response: ServerResponse) => script(response, index++, world));
  const startedAt = world.clock.now();
  const { data, errors } = await turning(world.clock, DEADLINE_MS, world.gateway.query(QUERY));
  const calls = world.targets().filter((target) => target === JOB).length;
  expect(world.targets()).toHaveLength(calls + 1); // One for the sibling.
  expect(world.clock.timers).toBe(0);
  return { data, errors, calls, ms: world.clock.now() - startedAt };
}

const FAILURES: [string, Script, Record<string, unknown>, number][] = [
  ['401', respond(401), { code: 'UPSTREAM_UNAUTHENTICATED', upstreamStatus: 401 }, 1],
  ['403', respond(403), { code: 'UPSTREAM_FORBIDDEN', upstreamStatus: 403 }, 1],
  ['404 of a router', respond(404, { message: 'Invalid URL (GET /v1/x)' }), { code: 'UPSTREAM_UNSUPPORTED' }, 1],
  ['408', respond(408), { code: 'UPSTREAM_TIMEOUT', upstreamStatus: 408 }, 3],
  ['409', respond(409), { code: 'UPSTREAM_REJECTED', upstreamStatus: 409 }, 3],
  ['422', respond(422), { code: 'UPSTREAM_REJECTED', upstreamStatus: 422 }, 1],
  ['429 without Retry-After', respond(429), { code: 'UPSTREAM_RATE_LIMITED', upstreamStatus: 429 }, 3],
  [
    '429 for a daily limit',
    respond(429, { code: 'daily_rate_limit_exceeded' }, { 'retry-after': '1' }),
    { code: 'UPSTREAM_QUOTA_EXCEEDED' },
    1,
  ],
  ['429 without credit', respond(429, { code: 'insufficient_quota' }), { code: 'UPSTREAM_QUOTA_EXCEEDED' }, 1],
  ['503 without credit', respond(503, { code: 'insufficient_quota' }), { code: 'UPSTREAM_QUOTA_EXCEEDED' }, 1],
  ['500', respond(500), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 500 }, 3],
  ['501', respond(501), { code: 'UPSTREAM_UNSUPPORTED', upstreamStatus: 501 }, 1],
  ['503', respond(503), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 503 }, 3],
  ['504', respond(504), { code: 'UPSTREAM_TIMEOUT', upstreamStatus: 504 }, 3],
  [
    'an HTML error page',
    (response) => writeResponse(response, 502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }),
    { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 502 },
    3,
  ],
  [
    'an HTML page of success',
    (response) => writeResponse(response, 200, '<html>Welcome</html>', { 'content-type': 'text/html' }),
    { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
    1,
  ],
  [
    'a body that is not JSON',
    (response) => writeResponse(response, 200, '{"id":'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['a connection reset', (response) => void response.socket?.resetAndDestroy(), { code: 'UPSTREAM_UNAVAILABLE' }, 3],
  [
    'a connection reset within the body',
    (response) => void response.write('{"id":', () => response.socket?.resetAndDestroy()),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['a body that is cut off', raw('Content-Length: 1000', '{"id":'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'a body longer than its content-length',
    raw('Content-Length: 10', JSON.stringify(jobBody({ id: 'ftjob-1' }))),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['an invalid content-length', raw('Content-Length: much', '{}'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'two different content-lengths',
    raw('Content-Length: 2\r\nContent-Length: 9', '{}'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  [
    'a chunk with an invalid length',
    raw('Transfer-Encoding: chunked', 'zz\r\n{}\r\n'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  [
    'a response that is not HTTP',
    (response) => void response.socket?.end('SSH-2.0-OpenSSH_9.7\r\n'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
];

describe('a failing upstream', () => {
  it.each(FAILURES)(
    'fails only its own field, after the retries that the failure allows: %s',
    async (...[, script, facts, count]) => {
      const { data, errors, calls, ms } = await query(script);
      expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
      expect(errors).toEqual([
        expect.objectContaining({ path: ['fineTuningJob'], extensions: expect.objectContaining(facts) }),
      ]);
      expect(calls).toBe(count);
      expect(ms).toBeLessThan(DEADLINE_MS);
    },
  );

  it('is not retried when the job does not exist', async () => {
    const { data, errors, calls } = await query(respond(404, { code: 'fine_tune_not_found' }));
    expect({ data, errors, calls }).toEqual({
      data: { fineTuningJob: null, ...SIBLINGS },
      errors: undefined,
      calls: 1,
    });
  });

  it.each<[string, Script, number]>([
    ['500', respond(500), 2],
    ['429', respond(429), 2],
    ['409', respond(409), 2],
    ['a connection reset', (response) => void response.socket?.resetAndDestroy(), 2],
  ])('does not fail the query when %s occurs once', async (_, script, count) => {
    const { data, errors, calls } = await query((response, index, world) =>
      index === 0 ? script(response, index, world) : respondJob(response),
    );
    expect({ data, errors, calls }).toEqual({
      data: { fineTuningJob: { id: 'ftjob-1' }, ...SIBLINGS },
      errors: undefined,
      calls: count,
    });
  });

  it('is called once when UPSTREAM_RETRIES is 0', async () => {
    expect((await query(respond(500), { UPSTREAM_RETRIES: '0' })).calls).toBe(1);
  });

  it.each([
    ['false', 500, 1],
    ['true', 422, 3],
  ])('is retried according to x-should-retry: %s after %i', async (value, status, count) => {
    expect((await query(respond(status, {}, { 'x-should-retry': value }))).calls).toBe(count);
  });
});

describe('the wait before a retry', () => {
  const startMs = Date.UTC(2026, 0, 1);
  it.each<[string, Record<string, string>, number, number]>([
    ['half a second, then a second, by default', {}, 1125, 1500],
    ['the seconds of Retry-After', { 'retry-after': '3' }, 6000, 6250],
    ['the milliseconds of retry-after-ms', { 'retry-after-ms': '1500', 'retry-after': '9' }, 3000, 3250],
    ['the default when Retry-After is too long', { 'retry-after': '99999999999' }, 1125, 1500],
    ['the default when Retry-After is negative', { 'retry-after': '-5' }, 1125, 1500],
    ['the default when Retry-After is a word', { 'retry-after': 'soon' }, 1125, 1500],
  ])('is %s', async (_, headers, minMs, maxMs) => {
    const { calls, ms } = await query(respond(429, {}, headers));
    expect(calls).toBe(3);
    expect(ms).toBeGreaterThanOrEqual(minMs);
    expect(ms).toBeLessThanOrEqual(maxMs + 1);
  });

  it('lasts until the date of Retry-After', async () => {
    const date = new Date(startMs + 7000).toUTCString();
    const { calls, ms } = await query((response, index) =>
      index === 0 ? writeResponse(response, 429, envelope({}), { 'retry-after': date }) : respondJob(response),
    );
    expect(calls).toBe(2);
    expect(ms).toBeGreaterThanOrEqual(7000);
    expect(ms).toBeLessThanOrEqual(7126);
  });

  it.each<[string, Record<string, string>, number]>([
    ['seconds', { 'retry-after': '31' }, 31],
    ['a date', { 'retry-after': new Date(startMs + 60_000).toUTCString() }, 60],
    ['milliseconds', { 'retry-after-ms': '40500' }, 41],
  ])(
    'exceeds the deadline: there is no retry, and retryAfterSeconds has the wait from %s',
    async (_, headers, seconds) => {
      const { errors, calls, ms } = await query(respond(429, {}, headers));
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: seconds });
      expect({ calls, ms }).toEqual({ calls: 1, ms: 0 });
    },
  );

  it('exceeds the deadline together with earlier waits: there is no further retry', async () => {
    const { errors, calls, ms } = await query(respond(429, {}, { 'retry-after': '20' }));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 20 });
    expect(calls).toBe(2);
    expect(ms).toBeLessThan(21_000);
  });
});

describe('an upstream that does not complete its response', () => {
  it.each<[string, Script]>([
    ['hangs before the headers', () => {}],
    ['hangs in the body', (response) => void response.write('{')],
    [
      'sends one byte a second',
      (response, _, { clock }) => {
        const drip = () => {
          response.write(' ');
          if (!response.destroyed) clock.after(1000, drip);
        };
        drip();
      },
    ],
  ])(
    'causes UPSTREAM_TIMEOUT at the deadline when it %s; the call is aborted, and sibling fields have values',
    async (_, script) => {
      await using world = await startWorld(RETRYING);
      const started = Promise.withResolvers<ServerResponse>();
      world.upstream.onFile(fileBody('file-1'));
      world.upstream.on(JOB, (__: unknown, response: ServerResponse) => {
        script(response, 0, world);
        started.resolve(response);
      });
      const pending = world.gateway.query(QUERY);
      const response = await started.promise;
      const closed = new Promise((resolve) => response.on('close', resolve));
      await world.gateway.query('{ file(id: "file-1") { id } }');
      for (let second = 0; second < 30; second++) world.clock.advance(1000);
      const { data, errors } = await pending;
      expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
      expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_TIMEOUT');
      await closed;
      expect(world.targets().filter((target) => target === JOB)).toHaveLength(1);
    },
  );

  it('is cut off within 200 MB of JSON, and sibling fields have values', async () => {
    const chunk = Buffer.from(`"${'x'.repeat(1024 * 1024 - 3)}",`);
    let sent = 0;
    const { data, errors, calls } = await query((response) => {
      response.write('[');
      const writeMore = () => {
        while (!response.destroyed && sent < 200 && response.write(chunk)) sent++;
      };
      response.on('drain', writeMore);
      writeMore();
    });
    expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    expect(calls).toBe(1);
    expect(sent).toBeLessThan(100);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    'of %i to another host is not followed: that host does not receive the key',
    async (status) => {
      await using elsewhere = await startUpstream();
      elsewhere.on(JOB, jobBody({ id: 'ftjob-1' }));
      const { data, errors, calls } = await query((response) =>
        writeResponse(response, status, '', { location: `${elsewhere.baseUrl}${JOB}` }),
      );
      expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: status });
      expect(calls).toBe(1);
      expect(elsewhere.calls).toEqual([]);
    },
  );
});

describe('an unreachable upstream', () => {
  /** The response of a gateway for this base URL, and its number of attempts. */
  async function queryAt(baseUrl: string) {
    await using world = await startWorld(RETRYING); // Only its clock is used.
    await using gateway = await startGateway({ OPENAI_BASE_URL: baseUrl, ...RETRYING }, world.clock);
    const result = await turning(
      world.clock,
      DEADLINE_MS,
      gateway.query('{ fineTuningJob(id: "ftjob-1") { id } gateway { isSandbox } }'),
    );
    return { ...result, attempts: gateway.log.find(({ msg }) => msg === 'request')?.['upstreamCalls'] };
  }
  const failed = {
    data: { fineTuningJob: null, gateway: { isSandbox: false } },
    errors: [expect.objectContaining({ extensions: { code: 'UPSTREAM_UNAVAILABLE' } })],
    attempts: 3,
  };

  it('is retried, then causes UPSTREAM_UNAVAILABLE, when it refuses connections', async () => {
    const stopped = await startUpstream();
    await stopped[Symbol.asyncDispose]();
    expect(await queryAt(stopped.baseUrl)).toEqual(failed);
  });

  it('causes UPSTREAM_UNAVAILABLE when its certificate is not trusted, and receives no request', async () => {
    let requests = 0;
    const server = createTlsServer(createSelfSigned(), () => requests++);
    const port = await listen(server);
    expect(await queryAt(`https://127.0.0.1:${port}/v1`)).toEqual(failed);
    expect(requests).toBe(0);
    server.close();
  });

  it('causes UPSTREAM_UNAVAILABLE when it does not speak TLS, and does not receive the key', async () => {
    const received: Buffer[] = [];
    const server = createTcpServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        received.push(data);
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    });
    const port = await listen(server);
    expect(await queryAt(`https://127.0.0.1:${port}/v1`)).toEqual(failed);
    expect(received.length).toBeGreaterThan(0);
    expect(Buffer.concat(received).toString('latin1')).not.toContain('Bearer');
    server.close();
  });
});

async function listen(server: ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // A TCP server has an address object.
}
