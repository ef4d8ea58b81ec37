import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const QUERY = '{ fineTuningJob(id: "ftjob-1") { id } gateway { isSandbox } }';
const SIBLING = { isSandbox: false };
const envelope = (members: object) => ({
  error: { message: 'No.', type: 'invalid_request_error', param: null, code: null, ...members },
});

/** The response of the gateway when the upstream responds to the request for the job as scripted. */
async function query(script: (response: ServerResponse) => void) {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
  upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: ServerResponse) => script(response));
  const { data, errors } = await gateway.query(QUERY);
  return { data, errors, log: gateway.log, calls: upstream.calls.length };
}

describe('an error response of the upstream', () => {
  it.each([
    [400, {}, 'UPSTREAM_REJECTED'],
    [401, { code: 'invalid_api_key' }, 'UPSTREAM_UNAUTHENTICATED'],
    [402, {}, 'UPSTREAM_QUOTA_EXCEEDED'],
    [403, {}, 'UPSTREAM_FORBIDDEN'],
    [405, {}, 'UPSTREAM_UNSUPPORTED'],
    [408, {}, 'UPSTREAM_TIMEOUT'],
    [409, {}, 'UPSTREAM_REJECTED'],
    [422, {}, 'UPSTREAM_REJECTED'],
    [429, { code: 'rate_limit_exceeded' }, 'UPSTREAM_RATE_LIMITED'],
    [429, { code: 'insufficient_quota' }, 'UPSTREAM_QUOTA_EXCEEDED'],
    [429, { code: 'daily_rate_limit_exceeded' }, 'UPSTREAM_QUOTA_EXCEEDED'],
    [500, {}, 'UPSTREAM_UNAVAILABLE'],
    [501, {}, 'UPSTREAM_UNSUPPORTED'],
    [503, { code: 'server_is_overloaded' }, 'UPSTREAM_UNAVAILABLE'],
    [504, {}, 'UPSTREAM_TIMEOUT'],
  ])('with %i %j becomes %s for its field alone', async (status, members, code) => {
    const { data, errors, calls } = await query((response) => writeResponse(response, status, envelope(members)));
    expect(data).toEqual({ fineTuningJob: null, gateway: SIBLING });
    expect(errors).toMatchObject([{ path: ['fineTuningJob'], extensions: { code, upstreamStatus: status } }]);
    expect(calls).toBe(1);
  });

  it('of 5xx exposes its request id to the client, and its message to the log only', async () => {
    const body = envelope({ message: 'See https://internal.example/help' });
    const { errors, log } = await query((response) =>
      writeResponse(response, 500, body, { 'x-request-id': 'req_abc123' }),
    );
    expect(errors?.[0]).toMatchObject({
      message: 'The upstream is unavailable. Retry later.',
      extensions: { upstreamRequestId: 'req_abc123' },
    });
    expect(JSON.stringify(errors)).not.toContain('internal.example');
    expect(log).toContainEqual(
      expect.objectContaining({ detail: 'See https://internal.example/help', upstreamRequestId: 'req_abc123' }),
    );
  });

  it.each([
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after': '0.5' }, 1],
    [{ 'retry-after-ms': '1500' }, 2],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': '99999999999' }, undefined],
    [{}, undefined],
  ])('with %j sets retryAfterSeconds to %s', async (headers, seconds) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway(
      { OPENAI_BASE_URL: upstream.baseUrl },
      createTestClock(Date.UTC(2026, 0, 1)),
    );
    upstream.on('/fine_tuning/jobs/ftjob-1', (_: unknown, response: ServerResponse) =>
      writeResponse(response, 429, envelope({}), headers as Record<string, string>),
    );
    const { errors } = await gateway.query(QUERY);
    expect(errors?.[0]?.extensions['retryAfterSeconds']).toBe(seconds);
  });

  it.each([
    ['absent', undefined, ''],
    ['null', null, ''],
    ['a number', 7, '7'],
    ['a list', ['a', 'b'], 'a; b'],
    ['an object', { text: 'No.' }, '{"text":"No."}'],
    ['an object with its own toString', { toString: 1, valueOf: 2 }, '{"toString":1,"valueOf":2}'],
    ['nested too deep', JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`), 'nested too deep'],
    ['of 501 characters', 'x'.repeat(501), 'x'.repeat(500)],
  ])('with a message that is %s is logged with that message', async (_, message, detail) => {
    const body = envelope({ message, code: { toString: 1 }, type: [], param: {} });
    const { errors, log } = await query((response) => writeResponse(response, 400, body));
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_REJECTED');
    expect(log).toContainEqual(expect.objectContaining({ code: 'UPSTREAM_REJECTED', detail }));
  });

  it('that is not JSON is not quoted in the log', async () => {
    const { log } = await query((response) => writeResponse(response, 200, 'private text'));
    expect(log).toContainEqual(expect.objectContaining({ detail: 'body: is not JSON' }));
    expect(JSON.stringify(log)).not.toContain('private');
  });

  it.each([
    ['the page of a router', '<html>404 Not Found</html>'],
    ['the default of a framework', JSON.stringify({ detail: 'Not Found' })],
    [
      'the recorded body for an unknown URL',
      JSON.stringify(envelope({ message: 'Invalid URL (GET /v1/fine_tuning/jobs)' })),
    ],
  ])('with 404 and %s means that the endpoint is missing, not the job', async (_, body) => {
    const { errors } = await query((response) => writeResponse(response, 404, body));
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_UNSUPPORTED', upstreamStatus: 404 });
  });

  it.each([
    ['the recorded body', envelope({ message: 'Could not find fine tune: ftjob-1', code: 'fine_tune_not_found' })],
    ['a message in `detail`', { detail: 'Job ftjob-1 not found' }],
  ])('with 404 and %s means that the job does not exist', async (_, body) => {
    const { data, errors } = await query((response) => writeResponse(response, 404, body));
    expect(errors).toBeUndefined();
    expect(data).toEqual({ fineTuningJob: null, gateway: SIBLING });
  });
});

describe('an invalid response', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['is not JSON', (response) => writeResponse(response, 200, 'oops')],
    ['is empty', (response) => writeResponse(response, 200, '')],
    ['is an HTML page', (response) => writeResponse(response, 200, '<!doctype html>', { 'content-type': 'text/html' })],
    ['is a redirect', (response) => writeResponse(response, 302, '', { location: 'http://127.0.0.1:1/' })],
    [
      'is shorter than its content-length',
      (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"id":', () => response.destroy());
      },
    ],
    [
      'ends within its chunks',
      (response) => {
        response.write('{"id":', () => response.destroy());
      },
    ],
    ['is not HTTP', (response) => void response.socket?.end('SSH-2.0-OpenSSH_9.7\r\n')],
    [
      'exceeds the maximum size',
      (response) => {
        response.writeHead(200, { 'content-length': String(33 * 1024 * 1024) });
        response.write('{');
      },
    ],
  ])('becomes UPSTREAM_INVALID_RESPONSE when it %s', async (_, script) => {
    const { data, errors, calls } = await query(script);
    expect(data).toEqual({ fineTuningJob: null, gateway: SIBLING });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    expect(calls).toBe(1);
  });

  it('is cut off at 32 MiB when it has no content-length', async () => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let sent = 0;
    const { errors } = await query((response) => {
      const writeMore = () => {
        while (!response.destroyed && sent < 200 && response.write(chunk)) sent++;
      };
      response.on('drain', writeMore);
      writeMore();
    });
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    expect(sent).toBeLessThan(200);
  });
});

describe('a request to the upstream', () => {
  it('carries the credential and accepts JSON', async () => {
    await using upstream = await startUpstream();
    const settings = { OPENAI_API_KEY: 'any-text', OPENAI_ORG_ID: 'org-a', OPENAI_PROJECT_ID: 'proj-b' };
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...settings });
    await gateway.query(QUERY);
    expect(upstream.calls[0]?.headers).toMatchObject({
      authorization: 'Bearer any-text',
      'openai-organization': 'org-a',
      'openai-project': 'proj-b',
      accept: 'application/json',
      'user-agent': 'finetune-gateway',
    });
  });

  it('uses at most UPSTREAM_CONNECTIONS sockets', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, UPSTREAM_CONNECTIONS: '1' });
    const gate = upstream.hold();
    const responses = [
      gateway.query('{ node(id: "ftjob-a") { id } }'),
      gateway.query('{ node(id: "ftjob-b") { id } }'),
    ];
    await gateway.received(2);
    expect(upstream.calls).toHaveLength(1);
    gate.release();
    await Promise.all(responses);
    expect(upstream.calls).toHaveLength(2);
  });
});

describe('an upstream that does not respond', () => {
  it('causes UPSTREAM_UNAVAILABLE when it refuses connections', async () => {
    const stopped = await startUpstream();
    await stopped[Symbol.asyncDispose]();
    await using gateway = await startGateway({ OPENAI_BASE_URL: stopped.baseUrl });
    const { data, errors } = await gateway.query(QUERY);
    expect(data).toEqual({ fineTuningJob: null, gateway: SIBLING });
    expect(errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it('causes UPSTREAM_TIMEOUT at the deadline when it accepts connections without a TLS handshake', async () => {
    const clock = createTestClock();
    const connected = Promise.withResolvers<void>();
    const silent = createTcpServer((socket) => {
      socket.on('error', () => {});
      connected.resolve();
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const settings = { OPENAI_BASE_URL: `https://127.0.0.1:${port}/v1`, UPSTREAM_TIMEOUT_MS: '5000' };
    await using gateway = await startGateway(settings, clock);
    const pending = gateway.query(QUERY);
    await connected.promise;
    clock.advance(5000);
    expect((await pending).errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_TIMEOUT' });
    const next = gateway.query('{ fineTuningJob(id: "ftjob-2") { id } }');
    await gateway.received(2);
    clock.advance(5000);
    expect((await next).errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_TIMEOUT' });
    silent.close();
  });

  it('causes UPSTREAM_UNAVAILABLE when it closes the connection before a response', async () => {
    const { errors } = await query((response) => void response.socket?.destroy());
    expect(errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_UNAVAILABLE' });
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['hangs before the headers', () => {}],
    ['hangs in the body', (response) => void response.write('{')],
  ])('causes UPSTREAM_TIMEOUT at the deadline when it %s, and the call is aborted', async (_, script) => {
    const clock = createTestClock();
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, UPSTREAM_TIMEOUT_MS: '5000' }, clock);
    const started = Promise.withResolvers<ServerResponse>();
    upstream.on('/fine_tuning/jobs/ftjob-1', (__: unknown, response: ServerResponse) => {
      script(response);
      started.resolve(response);
    });
    const pending = gateway.query(QUERY);
    const response = await started.promise;
    const closed = new Promise((resolve) => response.on('close', resolve));
    clock.advance(5000);
    expect((await pending).errors?.[0]?.extensions).toEqual({ code: 'UPSTREAM_TIMEOUT' });
    await closed;
  });
});
