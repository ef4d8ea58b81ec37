import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NoAdminKey, UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { Call } from '../../../../src/upstream/resilience/transport.ts';
import { createUpstream, type Upstream } from '../../../../src/upstream/upstream.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { createTestClock, type TestClock, turning } from '../../../kit/clock.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';

const TIMEOUT_MS = 30_000;
const credential = { apiKey: 'test-key-example', adminKey: 'test-admin-example' };
const JOB = jobBody({ id: 'ftjob-1' });
const REQUEST = { model: 'gpt-4.1-mini', training_file: 'file-1', method: { type: 'supervised' } };
const GRADER = { type: 'string_check', name: 'same', input: 'a', reference: 'b', operation: 'eq' };

let scripted: ScriptedUpstream;
let upstream: Upstream;
let clock: TestClock;
let requests: number;
beforeEach(async () => {
  scripted = await startUpstream();
  clock = createTestClock();
  requests = 0;
  upstream = upstreamAt(scripted.baseUrl);
});
afterEach(async () => {
  await upstream.dispose();
  await scripted[Symbol.asyncDispose]();
});

function upstreamAt(baseUrl: string, options: { maxRps?: number } = {}): Upstream {
  const { maxRps = 100_000 } = options;
  return createUpstream({
    baseUrl: new URL(baseUrl),
    timeoutMs: TIMEOUT_MS,
    connections: 8,
    retries: 2,
    maxRps,
    clock,
  });
}

const callWith = (signal = new AbortController().signal): Call => ({ credential, signal, onRequest: () => requests++ });
const withClock = <T>(promise: Promise<T>) => turning(clock, TIMEOUT_MS, promise);

/** The UpstreamError with which a call fails. */
async function errorOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await withClock(promise).then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  if (error instanceof UpstreamError) return error;
  throw new Error('expected an UpstreamError', { cause: error });
}

type Script = (request: IncomingMessage, response: ServerResponse) => void;
const respond =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Script =>
  (_, response) =>
    writeResponse(response, status, body, headers);
const RETRY_AFTER = { 'retry-after': '1' };

describe('a request that changes something', () => {
  const changes: [string, (call: Call) => Promise<unknown>, [string, string, unknown], unknown][] = [
    ['creates a job', (call) => upstream.jobs.create(REQUEST, call), ['POST', '/fine_tuning/jobs', REQUEST], JOB],
    ['cancels', (call) => upstream.jobs.cancel('ftjob-1', call), ['POST', '/fine_tuning/jobs/ftjob-1/cancel', ''], JOB],
    ['pauses', (call) => upstream.jobs.pause('ftjob-1', call), ['POST', '/fine_tuning/jobs/ftjob-1/pause', ''], JOB],
    ['resumes', (call) => upstream.jobs.resume('ftjob-1', call), ['POST', '/fine_tuning/jobs/ftjob-1/resume', ''], JOB],
    [
      'deletes a file',
      (call) => upstream.files.delete('file-1', call),
      ['DELETE', '/files/file-1', ''],
      { id: 'file-1', object: 'file', deleted: true },
    ],
    [
      'deletes a model',
      (call) => upstream.models.delete('ft:gpt:org::abc', call),
      ['DELETE', '/models/ft%3Agpt%3Aorg%3A%3Aabc', ''],
      { id: 'ft:gpt:org::abc', object: 'model', deleted: true },
    ],
    [
      'grants a permission',
      (call) => upstream.permissions.create('ft:m', ['proj_1'], call),
      ['POST', '/fine_tuning/checkpoints/ft%3Am/permissions', { project_ids: ['proj_1'] }],
      { object: 'list', data: [{ id: 'cp_1', created_at: 1, project_id: 'proj_1' }], has_more: false },
    ],
    [
      'revokes a permission',
      (call) => upstream.permissions.delete('ft:m', 'cp_1', call),
      ['DELETE', '/fine_tuning/checkpoints/ft%3Am/permissions/cp_1', ''],
      { id: 'cp_1', object: 'checkpoint.permission', deleted: true },
    ],
    [
      'runs a grader',
      (call) => upstream.graders.run({ grader: GRADER, model_sample: 'a', item: { b: 'a' } }, call),
      ['POST', '/fine_tuning/alpha/graders/run', { grader: GRADER, model_sample: 'a', item: { b: 'a' } }],
      { reward: 1, metadata: { errors: {} }, sub_rewards: {}, model_grader_token_usage_per_model: {} },
    ],
    [
      'validates a grader',
      (call) => upstream.graders.validate(GRADER, call),
      ['POST', '/fine_tuning/alpha/graders/validate', { grader: GRADER }],
      { grader: GRADER },
    ],
  ];

  it.each(changes)('%s: it is sent in wire form, and its response is parsed', async (_, change, expected, body) => {
    const bodies: Promise<string>[] = [];
    scripted.failAll((request, response) => {
      bodies.push(text(request));
      writeResponse(response, 200, body);
    });
    const result = await change(callWith());
    const [method, target, content] = expected;
    expect(scripted.calls).toMatchObject([{ method, target }]);
    expect(await bodies[0]).toBe(content === '' ? '' : JSON.stringify(content));
    expect(scripted.calls[0]?.headers['content-type']).toBe(content === '' ? undefined : 'application/json');
    expect(result).toMatchObject(Array.isArray(result) ? [{ id: 'cp_1', value: { project_id: 'proj_1' } }] : {});
    expect(result).toBeTruthy();
  });

  it.each(changes.filter(([, , [, target]]) => /ftjob-1|DELETE|files|models|cp_1/.test(target)))(
    '%s: it resolves to null when the object does not exist',
    async (_, change) => {
      scripted.failAll(respond(404, { error: { message: 'No such object', code: 'not_found' } }));
      expect(await change(callWith())).toBeNull();
      expect(scripted.calls).toHaveLength(1);
    },
  );

  it('with an invalid id is not sent', async () => {
    expect(await upstream.jobs.cancel('../files', callWith())).toBeNull();
    expect(await upstream.files.delete('a/../b', callWith())).toBeNull();
    const failure = await errorOf(upstream.permissions.create('..', ['proj_1'], callWith()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_REJECTED', isOutcomeUnknown: false });
    expect(scripted.calls).toEqual([]);
  });

  it('overtakes queries that wait in the rate limiter', async () => {
    const slow = upstreamAt(scripted.baseUrl, { maxRps: 1 });
    scripted.onJob(JOB);
    scripted.on('/fine_tuning/jobs', JOB);
    await slow.jobs.get('ftjob-1', callWith());
    const query = slow.jobs.get('ftjob-1', callWith());
    const mutation = slow.jobs.create(REQUEST, callWith());
    await withClock(Promise.all([query, mutation]));
    expect(scripted.calls.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET']);
    await slow.dispose();
  });
});

describe('the creation of a job that fails', () => {
  const create = (call = callWith()) => upstream.jobs.create(REQUEST, call);

  it.each<[string, Script]>([
    ['400', respond(400)],
    ['401', respond(401)],
    ['403', respond(403)],
    ['404 of a router', respond(404, 'nothing here')],
    ['409', respond(409)],
    ['422', respond(422)],
    ['429 with retry-after', respond(429, {}, RETRY_AFTER)],
    ['429 for a daily limit', respond(429, { error: { message: '', code: 'daily_rate_limit_exceeded' } })],
    [
      '400 and half a body',
      (_, response) => {
        response.writeHead(400, { 'content-length': '100' });
        response.write('{"error', () => response.socket?.resetAndDestroy());
      },
    ],
  ])('with %s has a known outcome, and is not retried', async (_, script) => {
    scripted.on('/fine_tuning/jobs', script);
    expect(await errorOf(create())).toMatchObject({ isOutcomeUnknown: false });
    expect(scripted.calls).toHaveLength(1);
  });

  const cutAfterBody: Script = async (request) => {
    await text(request);
    request.socket.resetAndDestroy();
  };
  it.each<[string, string, Script]>([
    ['a connection cut before its body was read', 'UPSTREAM_UNAVAILABLE', (request) => void request.socket.destroy()],
    ['a connection cut after its body was read', 'UPSTREAM_UNAVAILABLE', cutAfterBody],
    [
      'a connection cut after the status line',
      'UPSTREAM_INVALID_RESPONSE',
      (_, response) => void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'),
    ],
    [
      'a connection cut within the response',
      'UPSTREAM_INVALID_RESPONSE',
      (_, response) => void response.write('{"id":', () => response.socket?.resetAndDestroy()),
    ],
    [
      'a response that is not HTTP',
      'UPSTREAM_INVALID_RESPONSE',
      (_, response) => void response.socket?.end('220 mail\r\n\r\n'),
    ],
    ['a 408', 'UPSTREAM_TIMEOUT', respond(408, {}, RETRY_AFTER)],
    ['a 500', 'UPSTREAM_UNAVAILABLE', respond(500)],
    ['a 502', 'UPSTREAM_UNAVAILABLE', respond(502, '<html>')],
    [
      'a 503 that asks for a retry',
      'UPSTREAM_UNAVAILABLE',
      respond(503, {}, { ...RETRY_AFTER, 'x-should-retry': 'true' }),
    ],
    ['a 504', 'UPSTREAM_TIMEOUT', respond(504)],
    ['a 302', 'UPSTREAM_INVALID_RESPONSE', respond(302, '', { location: '/elsewhere' })],
    ['a 200 that is not JSON', 'UPSTREAM_INVALID_RESPONSE', respond(200, '<html>')],
    ['a 200 that is empty', 'UPSTREAM_INVALID_RESPONSE', respond(200, '')],
    ['a 200 that is not a job', 'UPSTREAM_INVALID_RESPONSE', respond(200, { id: 'ftjob-1' })],
  ])('with %s has an unknown outcome, and is not retried', async (_, code, script) => {
    scripted.on('/fine_tuning/jobs', script);
    expect(await errorOf(create())).toMatchObject({ code, isOutcomeUnknown: true, retry: { isRetryable: false } });
    expect(scripted.calls).toHaveLength(1);
  });

  it('by a timeout has an unknown outcome', async () => {
    const gate = scripted.hold();
    const failing = create().catch((error: unknown) => error);
    await gate.arrived(1);
    clock.advance(TIMEOUT_MS);
    expect(await failing).toMatchObject({ code: 'UPSTREAM_TIMEOUT', isOutcomeUnknown: true });
    gate.release();
    expect(scripted.calls).toHaveLength(1);
  });

  it('because the upstream refuses connections has a known outcome, and is not retried', async () => {
    await scripted[Symbol.asyncDispose]();
    const failure = await errorOf(create());
    expect(failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(requests).toBe(1);
    scripted = await startUpstream();
  });

  it('because the circuit breaker is open has a known outcome, and is not sent', async () => {
    scripted.on('/models', respond(503, {}, { 'x-should-retry': 'false' }));
    for (let count = 0; count < 10; count++) await errorOf(upstream.models.list(callWith()));
    expect(await errorOf(create())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(scripted.calls.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('in the queue of the rate limiter has a known outcome, and is not sent', async () => {
    const slow = upstreamAt(scripted.baseUrl, { maxRps: 1 });
    scripted.onModels([]);
    await slow.models.list(callWith());
    const controller = new AbortController();
    const failing = slow.jobs.create(REQUEST, callWith(controller.signal));
    controller.abort(new Error('aborted'));
    await expect(failing).rejects.toThrow('aborted');
    const waiting = new AbortController();
    const calls = Array.from({ length: 40 }, () =>
      slow.jobs.create(REQUEST, callWith(waiting.signal)).catch((error: unknown) => error),
    );
    const refused = await Promise.race(calls);
    expect(refused).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', isOutcomeUnknown: false });
    expect(scripted.calls).toHaveLength(1);
    waiting.abort();
    await Promise.all(calls);
    await slow.dispose();
  });

  it('does not fail when the response is 201 with a location, as on Azure', async () => {
    scripted.on('/fine_tuning/jobs', respond(201, JOB, { location: 'https://elsewhere.example/ftjob-1' }));
    expect(await create()).toMatchObject({ id: 'ftjob-1' });
  });
});

describe.each<['cancel' | 'pause' | 'resume']>([['cancel'], ['pause'], ['resume']])('a %s that fails', (verb) => {
  const target = `/fine_tuning/jobs/ftjob-1/${verb}`;
  const change = () => upstream.jobs[verb]('ftjob-1', callWith());

  it.each([429, 503])('with %i and retry-after is retried after that time', async (status) => {
    let requestCount = 0;
    scripted.on(target, (_: unknown, response: ServerResponse) =>
      requestCount++ === 0 ? writeResponse(response, status, {}, RETRY_AFTER) : writeResponse(response, 200, JOB),
    );
    const startedAt = clock.now();
    expect(await withClock(change())).toMatchObject({ id: 'ftjob-1' });
    expect(scripted.calls).toHaveLength(2);
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(1000);
  });

  it.each<[string, boolean, Script]>([
    ['a 429 without retry-after', false, respond(429)],
    ['a 409', false, respond(409, {}, RETRY_AFTER)],
    ['a 400', false, respond(400)],
    ['a 503 without retry-after', true, respond(503)],
    ['a 500', true, respond(500, {}, RETRY_AFTER)],
    ['a connection reset', true, (request) => void request.socket.resetAndDestroy()],
    ['the response for another job', true, respond(200, jobBody({ id: 'ftjob-2' }))],
  ])('with %s is not retried; its outcome is unknown: %s', async (_, isOutcomeUnknown, script) => {
    scripted.on(target, script);
    expect(await errorOf(change())).toMatchObject({ isOutcomeUnknown });
    expect(scripted.calls).toHaveLength(1);
  });
});

describe('a retryable request', () => {
  it('is retried while the upstream refuses connections, as nothing was sent', async () => {
    await scripted[Symbol.asyncDispose]();
    const failure = await errorOf(upstream.files.delete('file-1', callWith()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(requests).toBe(3);
    scripted = await startUpstream();
  });

  it('has an unknown outcome when one attempt had, even if the last one was refused', async () => {
    let requestCount = 0;
    scripted.on('/files/file-1', (_: unknown, response: ServerResponse) =>
      requestCount++ === 0 ? writeResponse(response, 503, {}, RETRY_AFTER) : writeResponse(response, 403, {}),
    );
    const failure = await errorOf(upstream.files.delete('file-1', callWith()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_FORBIDDEN', isOutcomeUnknown: true });
    expect(requestCount).toBe(2);
  });

  it('includes the validation of a grader, which changes nothing and has a known outcome', async () => {
    scripted.on('/fine_tuning/alpha/graders/validate', respond(500));
    expect(await errorOf(upstream.graders.validate(GRADER, callWith()))).toMatchObject({ isOutcomeUnknown: false });
    expect(scripted.calls).toHaveLength(3);
  });

  it('excludes the run of a grader, which may call models', async () => {
    scripted.on('/fine_tuning/alpha/graders/run', respond(503, {}, RETRY_AFTER));
    const run = upstream.graders.run({ grader: GRADER, model_sample: 'a' }, callWith());
    expect(await errorOf(run)).toMatchObject({ isOutcomeUnknown: true });
    expect(scripted.calls).toHaveLength(1);
  });
});

describe('a deletion', () => {
  it('with an empty response, as on Azure, resolves to the requested id', async () => {
    scripted.on('/files/file-1', (_: unknown, response: ServerResponse) => void response.writeHead(204).end());
    expect(await upstream.files.delete('file-1', callWith())).toEqual({ id: 'file-1' });
  });

  it.each([
    ['does not confirm it', { id: 'file-1', deleted: false }],
    ['has another id', { id: 'file-2', deleted: true }],
  ])('fails when the response %s', async (_, body) => {
    scripted.on('/files/file-1', respond(200, body));
    const failure = await errorOf(upstream.files.delete('file-1', callWith()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE', isOutcomeUnknown: true });
  });
});

describe('a call for permissions', () => {
  const calls: [string, (call: Call) => Promise<unknown>][] = [
    ['lists', (call) => upstream.permissions.list('ft:m', { limit: 10, after: null, projectId: 'proj_1' }, call)],
    ['creates', (call) => upstream.permissions.create('ft:m', ['proj_1'], call)],
    ['deletes', (call) => upstream.permissions.delete('ft:m', 'cp_1', call)],
  ];

  it.each(calls)('that %s sends only the admin key, which its error does not expose', async (_, change) => {
    scripted.failAll((request, response) =>
      writeResponse(response, 403, { error: { message: `not with ${request.headers.authorization}`, code: null } }),
    );
    const failure = await errorOf(change(callWith()));
    expect(scripted.calls).toHaveLength(1);
    expect(JSON.stringify(scripted.calls[0])).toContain(`Bearer ${credential.adminKey}`);
    expect(JSON.stringify(scripted.calls[0])).not.toContain(credential.apiKey);
    expect(failure.code).toBe('UPSTREAM_FORBIDDEN');
    expect(JSON.stringify([failure, failure.detail, failure.message])).not.toContain(credential.adminKey);
  });

  it.each(calls)('that %s is not sent without an admin key', async (_, change) => {
    const failure = await errorOf(change({ ...callWith(), credential: { apiKey: credential.apiKey } }));
    expect(failure).toBeInstanceOf(NoAdminKey);
    expect(failure).toMatchObject({ code: 'UPSTREAM_FORBIDDEN', message: expect.stringContaining('OPENAI_ADMIN_KEY') });
    expect(scripted.calls).toEqual([]);
  });

  it('is the only call that sends the admin key', async () => {
    scripted.failAll(respond(200, JOB));
    await upstream.jobs.create(REQUEST, callWith());
    await upstream.jobs.cancel('ftjob-1', callWith());
    expect(JSON.stringify(scripted.calls)).not.toContain(credential.adminKey);
  });

  it('parses a page of permissions', async () => {
    const data = [{ id: 'cp_1', object: 'checkpoint.permission', created_at: 5, project_id: 'proj_1' }, { id: 'cp_2' }];
    scripted.failAll(respond(200, { data, has_more: true }));
    const { items, hasMore } = await upstream.permissions.list('ft:m', { limit: 10, after: 'cp_0' }, callWith());
    expect(items).toMatchObject([{ value: { project_id: 'proj_1' } }, { id: 'cp_2', error: expect.anything() }]);
    expect(hasMore).toBe(true);
    expect(scripted.calls[0]?.target).toBe('/fine_tuning/checkpoints/ft%3Am/permissions?limit=10&after=cp_0');
  });
});

it('the creation of a job that is aborted closes its socket', async () => {
  const gate = scripted.hold();
  const controller = new AbortController();
  const failing = upstream.jobs.create(REQUEST, callWith(controller.signal));
  await gate.arrived(1);
  controller.abort(new Error('aborted'));
  await expect(failing).rejects.toThrow('aborted');
  await gate.abandoned(1);
  gate.release();
  expect(scripted.calls).toHaveLength(1);
});

it('the creation of a job accepts a large body', async () => {
  const long = { ...REQUEST, method: { text: 'ü'.repeat(200_000) } };
  const received = Promise.withResolvers<string>();
  scripted.failAll(async (request, response) => {
    received.resolve(await text(request));
    writeResponse(response, 200, JOB);
  });
  await upstream.jobs.create(long, callWith());
  expect(JSON.parse(await received.promise)).toEqual(long);
});
