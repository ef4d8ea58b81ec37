import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NoAdminKey, UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { Call } from '../../../../src/upstream/resilience/transport.ts';
import { createUpstream, type Upstream } from '../../../../src/upstream/upstream.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { createTestClock, type TestClock, turning } from '../../../kit/clock.ts';
import { answer, type ScriptedUpstream, startUpstream } from '../../../kit/gateway/upstream.ts';

const TIMEOUT_MS = 30_000;
const credential = { apiKey: 'test-key-of-nobody', adminKey: 'test-admin-of-nobody' };
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

const aCall = (signal = new AbortController().signal): Call => ({ credential, signal, onRequest: () => requests++ });
const inTime = <T>(promise: Promise<T>) => turning(clock, TIMEOUT_MS, promise);

/** How a call fails. */
async function failureOf(promise: Promise<unknown>): Promise<UpstreamError> {
  const error = await inTime(promise).then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  if (error instanceof UpstreamError) return error;
  throw new Error('expected an UpstreamError', { cause: error });
}

type Script = (request: IncomingMessage, response: ServerResponse) => void;
const tell =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Script =>
  (_, response) =>
    answer(response, status, body, headers);
const LATER = { 'retry-after': '1' };

describe('a change', () => {
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
      'permits a project',
      (call) => upstream.permissions.create('ft:m', ['proj_1'], call),
      ['POST', '/fine_tuning/checkpoints/ft%3Am/permissions', { project_ids: ['proj_1'] }],
      { object: 'list', data: [{ id: 'cp_1', created_at: 1, project_id: 'proj_1' }], has_more: false },
    ],
    [
      'takes a permission back',
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
      'has a grader checked',
      (call) => upstream.graders.validate(GRADER, call),
      ['POST', '/fine_tuning/alpha/graders/validate', { grader: GRADER }],
      { grader: GRADER },
    ],
  ];

  it.each(changes)('that %s is sent as the API has it, and its answer read', async (_, change, sent, body) => {
    const bodies: Promise<string>[] = [];
    scripted.failAll((request, response) => {
      bodies.push(text(request));
      answer(response, 200, body);
    });
    const result = await change(aCall());
    const [method, target, content] = sent;
    expect(scripted.calls).toMatchObject([{ method, target }]);
    expect(await bodies[0]).toBe(content === '' ? '' : JSON.stringify(content));
    expect(scripted.calls[0]?.headers['content-type']).toBe(content === '' ? undefined : 'application/json');
    expect(result).toMatchObject(Array.isArray(result) ? [{ id: 'cp_1', value: { project_id: 'proj_1' } }] : {});
    expect(result).toBeTruthy();
  });

  it.each(changes.filter(([, , [, target]]) => /ftjob-1|DELETE|files|models|cp_1/.test(target)))(
    'that %s what is not there is null',
    async (_, change) => {
      scripted.failAll(tell(404, { error: { message: 'No such thing', code: 'not_found' } }));
      expect(await change(aCall())).toBeNull();
      expect(scripted.calls).toHaveLength(1);
    },
  );

  it('of what no name can be sends nothing', async () => {
    expect(await upstream.jobs.cancel('../files', aCall())).toBeNull();
    expect(await upstream.files.delete('a/../b', aCall())).toBeNull();
    const failure = await failureOf(upstream.permissions.create('..', ['proj_1'], aCall()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_REJECTED', isOutcomeUnknown: false });
    expect(scripted.calls).toEqual([]);
  });

  it('goes before queries that wait for their turn', async () => {
    const slow = upstreamAt(scripted.baseUrl, { maxRps: 1 });
    scripted.onJob(JOB);
    scripted.on('/fine_tuning/jobs', JOB);
    await slow.jobs.get('ftjob-1', aCall());
    const query = slow.jobs.get('ftjob-1', aCall());
    const mutation = slow.jobs.create(REQUEST, aCall());
    await inTime(Promise.all([query, mutation]));
    expect(scripted.calls.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET']);
    await slow.dispose();
  });
});

describe('a create that fails', () => {
  const create = (call = aCall()) => upstream.jobs.create(REQUEST, call);

  it.each<[string, Script]>([
    ['400', tell(400)],
    ['401', tell(401)],
    ['403', tell(403)],
    ['404 of a router', tell(404, 'nothing here')],
    ['409', tell(409)],
    ['422', tell(422)],
    ['429, and is told when to come again', tell(429, {}, LATER)],
    ['429 for the day', tell(429, { error: { message: '', code: 'daily_rate_limit_exceeded' } })],
    [
      '400 and half a body',
      (_, response) => {
        response.writeHead(400, { 'content-length': '100' });
        response.write('{"error', () => response.socket?.resetAndDestroy());
      },
    ],
  ])('by %s is surely not made, and not sent again', async (_, script) => {
    scripted.on('/fine_tuning/jobs', script);
    expect(await failureOf(create())).toMatchObject({ isOutcomeUnknown: false });
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
      'a connection cut in the answer',
      'UPSTREAM_INVALID_RESPONSE',
      (_, response) => void response.write('{"id":', () => response.socket?.resetAndDestroy()),
    ],
    ['what is not HTTP', 'UPSTREAM_INVALID_RESPONSE', (_, response) => void response.socket?.end('220 mail\r\n\r\n')],
    ['a 408', 'UPSTREAM_TIMEOUT', tell(408, {}, LATER)],
    ['a 500', 'UPSTREAM_UNAVAILABLE', tell(500)],
    ['a 502', 'UPSTREAM_UNAVAILABLE', tell(502, '<html>')],
    ['a 503 that asks to come again', 'UPSTREAM_UNAVAILABLE', tell(503, {}, { ...LATER, 'x-should-retry': 'true' })],
    ['a 504', 'UPSTREAM_TIMEOUT', tell(504)],
    ['a 302', 'UPSTREAM_INVALID_RESPONSE', tell(302, '', { location: '/elsewhere' })],
    ['a 200 that is no JSON', 'UPSTREAM_INVALID_RESPONSE', tell(200, '<html>')],
    ['a 200 that is empty', 'UPSTREAM_INVALID_RESPONSE', tell(200, '')],
    ['a 200 that is no job', 'UPSTREAM_INVALID_RESPONSE', tell(200, { id: 'ftjob-1' })],
  ])('by %s may have been made, and is not sent again', async (_, code, script) => {
    scripted.on('/fine_tuning/jobs', script);
    expect(await failureOf(create())).toMatchObject({ code, isOutcomeUnknown: true, retry: { isRetryable: false } });
    expect(scripted.calls).toHaveLength(1);
  });

  it('by an answer that does not come may have been made', async () => {
    const gate = scripted.hold();
    const failing = create().catch((error: unknown) => error);
    await gate.arrived(1);
    clock.advance(TIMEOUT_MS);
    expect(await failing).toMatchObject({ code: 'UPSTREAM_TIMEOUT', isOutcomeUnknown: true });
    gate.release();
    expect(scripted.calls).toHaveLength(1);
  });

  it('because nobody listens is surely not made, and not tried again', async () => {
    await scripted[Symbol.asyncDispose]();
    const failure = await failureOf(create());
    expect(failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(requests).toBe(1);
    scripted = await startUpstream();
  });

  it('because the upstream is down is surely not made, and not sent', async () => {
    scripted.on('/models', tell(503, {}, { 'x-should-retry': 'false' }));
    for (let time = 0; time < 10; time++) await failureOf(upstream.models.list(aCall()));
    expect(await failureOf(create())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(scripted.calls.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('before its turn came is surely not made, and not sent', async () => {
    const slow = upstreamAt(scripted.baseUrl, { maxRps: 1 });
    scripted.onModels([]);
    await slow.models.list(aCall());
    const leaving = new AbortController();
    const failing = slow.jobs.create(REQUEST, aCall(leaving.signal));
    leaving.abort(new Error('gone'));
    await expect(failing).rejects.toThrow('gone');
    const waiting = new AbortController();
    const calls = Array.from({ length: 40 }, () =>
      slow.jobs.create(REQUEST, aCall(waiting.signal)).catch((error: unknown) => error),
    );
    const refused = await Promise.race(calls);
    expect(refused).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', isOutcomeUnknown: false });
    expect(scripted.calls).toHaveLength(1);
    waiting.abort();
    await Promise.all(calls);
    await slow.dispose();
  });

  it('is a job when the answer is 201 with a place, as Azure has it', async () => {
    scripted.on('/fine_tuning/jobs', tell(201, JOB, { location: 'https://elsewhere.example/ftjob-1' }));
    expect(await create()).toMatchObject({ id: 'ftjob-1' });
  });
});

describe.each<['cancel' | 'pause' | 'resume']>([['cancel'], ['pause'], ['resume']])('a %s that fails', (verb) => {
  const target = `/fine_tuning/jobs/ftjob-1/${verb}`;
  const change = () => upstream.jobs[verb]('ftjob-1', aCall());

  it.each([429, 503])('by a %i that says when to come again is sent again then', async (status) => {
    let turn = 0;
    scripted.on(target, (_: unknown, response: ServerResponse) =>
      turn++ === 0 ? answer(response, status, {}, LATER) : answer(response, 200, JOB),
    );
    const beganAt = clock.now();
    expect(await inTime(change())).toMatchObject({ id: 'ftjob-1' });
    expect(scripted.calls).toHaveLength(2);
    expect(clock.now() - beganAt).toBeGreaterThanOrEqual(1000);
  });

  it.each<[string, boolean, Script]>([
    ['a 429 that does not say when', false, tell(429)],
    ['a 409', false, tell(409, {}, LATER)],
    ['a 400', false, tell(400)],
    ['a 503 that does not say when', true, tell(503)],
    ['a 500', true, tell(500, {}, LATER)],
    ['a reset', true, (request) => void request.socket.resetAndDestroy()],
    ['the answer about another job', true, tell(200, jobBody({ id: 'ftjob-2' }))],
  ])('by %s is not sent again; its outcome is unknown: %s', async (_, isOutcomeUnknown, script) => {
    scripted.on(target, script);
    expect(await failureOf(change())).toMatchObject({ isOutcomeUnknown });
    expect(scripted.calls).toHaveLength(1);
  });
});

describe('what may be tried again', () => {
  it('is so while nobody listens, as nothing was sent', async () => {
    await scripted[Symbol.asyncDispose]();
    const failure = await failureOf(upstream.files.delete('file-1', aCall()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', isOutcomeUnknown: false });
    expect(requests).toBe(3);
    scripted = await startUpstream();
  });

  it('has an unknown outcome when one try of it had, also if the last was refused', async () => {
    let turn = 0;
    scripted.on('/files/file-1', (_: unknown, response: ServerResponse) =>
      turn++ === 0 ? answer(response, 503, {}, LATER) : answer(response, 403, {}),
    );
    const failure = await failureOf(upstream.files.delete('file-1', aCall()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_FORBIDDEN', isOutcomeUnknown: true });
    expect(turn).toBe(2);
  });

  it('is all that changes nothing: the check of a grader, whose outcome is never unknown', async () => {
    scripted.on('/fine_tuning/alpha/graders/validate', tell(500));
    expect(await failureOf(upstream.graders.validate(GRADER, aCall()))).toMatchObject({ isOutcomeUnknown: false });
    expect(scripted.calls).toHaveLength(3);
  });

  it('is not the run of a grader, which may call models', async () => {
    scripted.on('/fine_tuning/alpha/graders/run', tell(503, {}, LATER));
    const run = upstream.graders.run({ grader: GRADER, model_sample: 'a' }, aCall());
    expect(await failureOf(run)).toMatchObject({ isOutcomeUnknown: true });
    expect(scripted.calls).toHaveLength(1);
  });
});

describe('a deletion', () => {
  it('that is answered with nothing, as Azure does, names what was asked for', async () => {
    scripted.on('/files/file-1', (_: unknown, response: ServerResponse) => void response.writeHead(204).end());
    expect(await upstream.files.delete('file-1', aCall())).toEqual({ id: 'file-1' });
  });

  it.each([
    ['was not done', { id: 'file-1', deleted: false }],
    ['is about another', { id: 'file-2', deleted: true }],
  ])('that %s by its answer fails', async (_, body) => {
    scripted.on('/files/file-1', tell(200, body));
    const failure = await failureOf(upstream.files.delete('file-1', aCall()));
    expect(failure).toMatchObject({ code: 'UPSTREAM_INVALID_RESPONSE', isOutcomeUnknown: true });
  });
});

describe('a call about permissions', () => {
  const calls: [string, (call: Call) => Promise<unknown>][] = [
    ['lists', (call) => upstream.permissions.list('ft:m', { limit: 10, after: null, projectId: 'proj_1' }, call)],
    ['permits', (call) => upstream.permissions.create('ft:m', ['proj_1'], call)],
    ['takes back', (call) => upstream.permissions.delete('ft:m', 'cp_1', call)],
  ];

  it.each(calls)('that %s is made with the admin key alone, which its failure does not show', async (_, change) => {
    scripted.failAll((request, response) =>
      answer(response, 403, { error: { message: `not by ${request.headers.authorization}`, code: null } }),
    );
    const failure = await failureOf(change(aCall()));
    expect(scripted.calls).toHaveLength(1);
    expect(JSON.stringify(scripted.calls[0])).toContain(`Bearer ${credential.adminKey}`);
    expect(JSON.stringify(scripted.calls[0])).not.toContain(credential.apiKey);
    expect(failure.code).toBe('UPSTREAM_FORBIDDEN');
    expect(JSON.stringify([failure, failure.detail, failure.message])).not.toContain(credential.adminKey);
  });

  it.each(calls)('that %s is not made without an admin key', async (_, change) => {
    const failure = await failureOf(change({ ...aCall(), credential: { apiKey: credential.apiKey } }));
    expect(failure).toBeInstanceOf(NoAdminKey);
    expect(failure).toMatchObject({ code: 'UPSTREAM_FORBIDDEN', message: expect.stringContaining('OPENAI_ADMIN_KEY') });
    expect(scripted.calls).toEqual([]);
  });

  it('is the only kind that sends the admin key', async () => {
    scripted.failAll(tell(200, JOB));
    await upstream.jobs.create(REQUEST, aCall());
    await upstream.jobs.cancel('ftjob-1', aCall());
    expect(JSON.stringify(scripted.calls)).not.toContain(credential.adminKey);
  });

  it('reads a page of them', async () => {
    const data = [{ id: 'cp_1', object: 'checkpoint.permission', created_at: 5, project_id: 'proj_1' }, { id: 'cp_2' }];
    scripted.failAll(tell(200, { data, has_more: true }));
    const { items, hasMore } = await upstream.permissions.list('ft:m', { limit: 10, after: 'cp_0' }, aCall());
    expect(items).toMatchObject([{ value: { project_id: 'proj_1' } }, { id: 'cp_2', error: expect.anything() }]);
    expect(hasMore).toBe(true);
    expect(scripted.calls[0]?.target).toBe('/fine_tuning/checkpoints/ft%3Am/permissions?limit=10&after=cp_0');
  });
});

it('a create whose caller leaves ends down to the socket', async () => {
  const gate = scripted.hold();
  const leaving = new AbortController();
  const failing = upstream.jobs.create(REQUEST, aCall(leaving.signal));
  await gate.arrived(1);
  leaving.abort(new Error('gone'));
  await expect(failing).rejects.toThrow('gone');
  await gate.abandoned(1);
  gate.release();
  expect(scripted.calls).toHaveLength(1);
});

it('a create takes a body of any size that JSON has', async () => {
  const long = { ...REQUEST, method: { text: 'ü'.repeat(200_000) } };
  const received = Promise.withResolvers<string>();
  scripted.failAll(async (request, response) => {
    received.resolve(await text(request));
    answer(response, 200, JOB);
  });
  await upstream.jobs.create(long, aCall());
  expect(JSON.parse(await received.promise)).toEqual(long);
});
