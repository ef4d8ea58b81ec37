import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { turning } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld, type World } from '../../kit/gateway/world.ts';
import { createSelfSigned } from '../../kit/process/certificate.ts';

const JOB = '/fine_tuning/jobs/ftjob-1';
const QUERY = '{ fineTuningJob(id: "ftjob-1") { id } file(id: "file-1") { id } gateway { isSandbox } }';
const SIBLINGS = { file: { id: 'file-1' }, gateway: { isSandbox: false } };
const RETRYING = { UPSTREAM_RETRIES: '2' };
const DEADLINE_MS = 30_000;

/** Answers one request, the first being 0. */
type Script = (response: ServerResponse, turn: number, world: World) => void;

const tell =
  (status: number, members: object = {}, headers: Record<string, string> = {}): Script =>
  (response) =>
    answer(response, status, envelope(members), headers);
const envelope = (members: object) => ({
  error: { message: 'No.', type: 'invalid_request_error', param: null, code: null, ...members },
});
const job = (response: ServerResponse) => answer(response, 200, jobBody({ id: 'ftjob-1' }));
/** What goes over the wire as it stands here. */
const raw =
  (head: string, body = ''): Script =>
  (response) =>
    void response.socket?.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`);

/** What the gateway answers, in how many calls for the job and after how long by the clock. */
async function ask(script: Script, settings: Record<string, string> = RETRYING) {
  await using world = await startWorld(settings);
  let turn = 0;
  world.upstream.onFile(fileBody('file-1'));
  world.upstream.on(JOB, (_: unknown, response: ServerResponse) => script(response, turn++, world));
  const beganAt = world.clock.now();
  const { data, errors } = await turning(world.clock, DEADLINE_MS, world.gateway.query(QUERY));
  const calls = world.targets().filter((target) => target === JOB).length;
  expect(world.targets()).toHaveLength(calls + 1); // One for the sibling.
  expect(world.clock.timers).toBe(0);
  return { data, errors, calls, ms: world.clock.now() - beganAt };
}

const FAILURES: [string, Script, Record<string, unknown>, number][] = [
  ['401', tell(401), { code: 'UPSTREAM_UNAUTHENTICATED', upstreamStatus: 401 }, 1],
  ['403', tell(403), { code: 'UPSTREAM_FORBIDDEN', upstreamStatus: 403 }, 1],
  ['404 of a router', tell(404, { message: 'Invalid URL (GET /v1/x)' }), { code: 'UPSTREAM_UNSUPPORTED' }, 1],
  ['408', tell(408), { code: 'UPSTREAM_TIMEOUT', upstreamStatus: 408 }, 3],
  ['409', tell(409), { code: 'UPSTREAM_REJECTED', upstreamStatus: 409 }, 3],
  ['422', tell(422), { code: 'UPSTREAM_REJECTED', upstreamStatus: 422 }, 1],
  ['429 without Retry-After', tell(429), { code: 'UPSTREAM_RATE_LIMITED', upstreamStatus: 429 }, 3],
  [
    '429 for the day',
    tell(429, { code: 'daily_rate_limit_exceeded' }, { 'retry-after': '1' }),
    { code: 'UPSTREAM_QUOTA_EXCEEDED' },
    1,
  ],
  ['429 for want of credit', tell(429, { code: 'insufficient_quota' }), { code: 'UPSTREAM_QUOTA_EXCEEDED' }, 1],
  ['503 for want of credit', tell(503, { code: 'insufficient_quota' }), { code: 'UPSTREAM_QUOTA_EXCEEDED' }, 1],
  ['500', tell(500), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 500 }, 3],
  ['501', tell(501), { code: 'UPSTREAM_UNSUPPORTED', upstreamStatus: 501 }, 1],
  ['503', tell(503), { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 503 }, 3],
  ['504', tell(504), { code: 'UPSTREAM_TIMEOUT', upstreamStatus: 504 }, 3],
  [
    'an HTML error page',
    (response) => answer(response, 502, '<html>Bad Gateway</html>', { 'content-type': 'text/html' }),
    { code: 'UPSTREAM_UNAVAILABLE', upstreamStatus: 502 },
    3,
  ],
  [
    'an HTML page of success',
    (response) => answer(response, 200, '<html>Welcome</html>', { 'content-type': 'text/html' }),
    { code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: 200 },
    1,
  ],
  ['no JSON', (response) => answer(response, 200, '{"id":'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'a connection that is reset',
    (response) => void response.socket?.resetAndDestroy(),
    { code: 'UPSTREAM_UNAVAILABLE' },
    3,
  ],
  [
    'a reset in the body',
    (response) => void response.write('{"id":', () => response.socket?.resetAndDestroy()),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['a body that is cut off', raw('Content-Length: 1000', '{"id":'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'a body longer than announced',
    raw('Content-Length: 10', JSON.stringify(jobBody({ id: 'ftjob-1' }))),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['a length that is none', raw('Content-Length: much', '{}'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'a length that is none of several',
    raw('Content-Length: 2\r\nContent-Length: 9', '{}'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
  ['a chunk of no length', raw('Transfer-Encoding: chunked', 'zz\r\n{}\r\n'), { code: 'UPSTREAM_INVALID_RESPONSE' }, 1],
  [
    'no HTTP',
    (response) => void response.socket?.end('SSH-2.0-OpenSSH_9.7\r\n'),
    { code: 'UPSTREAM_INVALID_RESPONSE' },
    1,
  ],
];

describe('a failing upstream', () => {
  it.each(FAILURES)(
    'fails only the field that it fails, after as many tries as help: %s',
    async (...[, script, facts, count]) => {
      const { data, errors, calls, ms } = await ask(script);
      expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
      expect(errors).toEqual([
        expect.objectContaining({ path: ['fineTuningJob'], extensions: expect.objectContaining(facts) }),
      ]);
      expect(calls).toBe(count);
      expect(ms).toBeLessThan(DEADLINE_MS);
    },
  );

  it('is no failure when it says that there is no such job', async () => {
    const { data, errors, calls } = await ask(tell(404, { code: 'fine_tune_not_found' }));
    expect({ data, errors, calls }).toEqual({
      data: { fineTuningJob: null, ...SIBLINGS },
      errors: undefined,
      calls: 1,
    });
  });

  it.each<[string, Script, number]>([
    ['500', tell(500), 2],
    ['429', tell(429), 2],
    ['409', tell(409), 2],
    ['a reset', (response) => void response.socket?.resetAndDestroy(), 2],
  ])('is no failure when %s comes once', async (_, script, count) => {
    const { data, errors, calls } = await ask((response, turn, world) =>
      turn === 0 ? script(response, turn, world) : job(response),
    );
    expect({ data, errors, calls }).toEqual({
      data: { fineTuningJob: { id: 'ftjob-1' }, ...SIBLINGS },
      errors: undefined,
      calls: count,
    });
  });

  it('is asked once when UPSTREAM_RETRIES is 0', async () => {
    expect((await ask(tell(500), { UPSTREAM_RETRIES: '0' })).calls).toBe(1);
  });

  it.each([
    ['false', 500, 1],
    ['true', 422, 3],
  ])('decides by x-should-retry %s after %i', async (value, status, count) => {
    expect((await ask(tell(status, {}, { 'x-should-retry': value }))).calls).toBe(count);
  });
});

describe('the wait before another try', () => {
  const startOf = Date.UTC(2026, 0, 1);
  it.each<[string, Record<string, string>, number, number]>([
    ['half a second and a second by itself', {}, 1125, 1500],
    ['the seconds of Retry-After', { 'retry-after': '3' }, 6000, 6250],
    ['the milliseconds of retry-after-ms', { 'retry-after-ms': '1500', 'retry-after': '9' }, 3000, 3250],
    ['as if nothing was said when it is absurd', { 'retry-after': '99999999999' }, 1125, 1500],
    ['as if nothing was said when it is negative', { 'retry-after': '-5' }, 1125, 1500],
    ['as if nothing was said when it is a word', { 'retry-after': 'soon' }, 1125, 1500],
  ])('is %s', async (_, headers, least, most) => {
    const { calls, ms } = await ask(tell(429, {}, headers));
    expect(calls).toBe(3);
    expect(ms).toBeGreaterThanOrEqual(least);
    expect(ms).toBeLessThanOrEqual(most + 1);
  });

  it('is until the date of Retry-After', async () => {
    const date = new Date(startOf + 7000).toUTCString();
    const { calls, ms } = await ask((response, turn) =>
      turn === 0 ? answer(response, 429, envelope({}), { 'retry-after': date }) : job(response),
    );
    expect(calls).toBe(2);
    expect(ms).toBeGreaterThanOrEqual(7000);
    expect(ms).toBeLessThanOrEqual(7126);
  });

  it.each<[string, Record<string, string>, number]>([
    ['seconds', { 'retry-after': '31' }, 31],
    ['a date', { 'retry-after': new Date(startOf + 60_000).toUTCString() }, 60],
    ['milliseconds', { 'retry-after-ms': '40500' }, 41],
  ])(
    'is none when it does not fit the deadline: the client is told how long it would be, in %s',
    async (_, headers, seconds) => {
      const { errors, calls, ms } = await ask(tell(429, {}, headers));
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: seconds });
      expect({ calls, ms }).toEqual({ calls: 1, ms: 0 });
    },
  );

  it('is none once the waits together do not fit the deadline', async () => {
    const { errors, calls, ms } = await ask(tell(429, {}, { 'retry-after': '20' }));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 20 });
    expect(calls).toBe(2);
    expect(ms).toBeLessThan(21_000);
  });
});

describe('an upstream that does not come to an end', () => {
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
    'is UPSTREAM_TIMEOUT at the deadline when it %s; the call is given up, and siblings have answered',
    async (_, script) => {
      await using world = await startWorld(RETRYING);
      const begun = Promise.withResolvers<ServerResponse>();
      world.upstream.onFile(fileBody('file-1'));
      world.upstream.on(JOB, (__: unknown, response: ServerResponse) => {
        script(response, 0, world);
        begun.resolve(response);
      });
      const pending = world.gateway.query(QUERY);
      const response = await begun.promise;
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

  it('is cut off in 200 MB of JSON, and its siblings answer', async () => {
    const chunk = Buffer.from(`"${'x'.repeat(1024 * 1024 - 3)}",`);
    let sent = 0;
    const { data, errors, calls } = await ask((response) => {
      response.write('[');
      const more = () => {
        while (!response.destroyed && sent < 200 && response.write(chunk)) sent++;
      };
      response.on('drain', more);
      more();
    });
    expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    expect(calls).toBe(1);
    expect(sent).toBeLessThan(100);
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    'of %i to another host is not followed: nobody there sees the key',
    async (status) => {
      await using elsewhere = await startUpstream();
      elsewhere.on(JOB, jobBody({ id: 'ftjob-1' }));
      const { data, errors, calls } = await ask((response) =>
        answer(response, status, '', { location: `${elsewhere.baseUrl}${JOB}` }),
      );
      expect(data).toEqual({ fineTuningJob: null, ...SIBLINGS });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE', upstreamStatus: status });
      expect(calls).toBe(1);
      expect(elsewhere.calls).toEqual([]);
    },
  );
});

describe('an upstream that cannot be reached', () => {
  /** What a gateway answers that asks there, and how often it has tried. */
  async function askAt(baseUrl: string) {
    await using world = await startWorld(RETRYING); // For its clock.
    await using gateway = await startGateway({ OPENAI_BASE_URL: baseUrl, ...RETRYING }, world.clock);
    const answer = await turning(
      world.clock,
      DEADLINE_MS,
      gateway.query('{ fineTuningJob(id: "ftjob-1") { id } gateway { isSandbox } }'),
    );
    return { ...answer, tries: gateway.log.find(({ msg }) => msg === 'request')?.['upstreamCalls'] };
  }
  const failed = {
    data: { fineTuningJob: null, gateway: { isSandbox: false } },
    errors: [expect.objectContaining({ extensions: { code: 'UPSTREAM_UNAVAILABLE' } })],
    tries: 3,
  };

  it('is tried again, then UPSTREAM_UNAVAILABLE, when it refuses connections', async () => {
    const gone = await startUpstream();
    await gone[Symbol.asyncDispose]();
    expect(await askAt(gone.baseUrl)).toEqual(failed);
  });

  it('is UPSTREAM_UNAVAILABLE when nobody vouches for its certificate, and gets no request', async () => {
    let requests = 0;
    const server = createTlsServer(createSelfSigned(), () => requests++);
    const port = await listening(server);
    expect(await askAt(`https://127.0.0.1:${port}/v1`)).toEqual(failed);
    expect(requests).toBe(0);
    server.close();
  });

  it('is UPSTREAM_UNAVAILABLE when it does not speak TLS, and never sees the key', async () => {
    const heard: Buffer[] = [];
    const server = createTcpServer((socket: Socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heard.push(data);
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    });
    const port = await listening(server);
    expect(await askAt(`https://127.0.0.1:${port}/v1`)).toEqual(failed);
    expect(heard.length).toBeGreaterThan(0);
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('Bearer');
    server.close();
  });
});

async function listening(server: ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port; // It listens on TCP.
}
