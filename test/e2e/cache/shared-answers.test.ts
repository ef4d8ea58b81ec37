import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { post } from '../../kit/client/post.ts';
import { openRawConnection, parseResponses } from '../../kit/client/raw-http.ts';
import { writeResponse } from '../../kit/gateway/upstream.ts';
import { NO_CACHE, startWorld } from '../../kit/gateway/world.ts';
import { askAs, tokenFile, tokenLine } from '../../kit/process/token.ts';
import { until } from '../../kit/until.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id status suffix } }';
const CANCEL = 'mutation { cancelFineTuningJob(input: { jobId: "ftjob-1" }) { __typename } }';
const TARGET = '/fine_tuning/jobs/ftjob-1';

/** A gateway without kept answers, for callers with tokens, before an upstream with one job. */
async function start(settings: Record<string, string> = {}) {
  const list = tokenFile({ ann: 'operator', bob: 'operator', eve: 'viewer' });
  const auth = { AUTH: 'tokens', AUTH_TOKENS_FILE: list.file };
  const world = await startWorld({ ...NO_CACHE, ...auth, ALLOW_MUTATIONS: 'on', ...settings });
  world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
  const send = (name: keyof typeof list.tokens, query = JOB, headers = {}, signal?: AbortSignal) =>
    fetch(world.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${list.tokens[name]}`, ...headers },
      body: JSON.stringify({ query }),
      signal: signal ?? null,
    });
  const logLines = () => world.gateway.log.filter(({ msg }) => msg === 'request');
  return { ...world, ...list, send, logLines, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

type World = Awaited<ReturnType<typeof start>>;

/** Resolves when so many requests wait for an execution. Each request before the last one has been read by then. */
const received = ({ gateway }: World, count: number) => gateway.received(count);

const abandoned = (world: World) => until(() => world.logLines().some(({ isAborted }) => isAborted === true));

describe('equal queries in progress', () => {
  it('are executed once for callers of one scope and role, who keep their request ids and log lines', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const pending = [world.send('ann', JOB, { 'x-request-id': 'of-ann' })];
    await gate.arrived(1);
    pending.push(world.send('bob', JOB, { 'x-request-id': 'of-bob' }));
    await received(world, 2);
    gate.release();
    const responses = await Promise.all(pending);
    const [first, second] = await Promise.all(responses.map((response) => response.text()));
    expect(second).toBe(first);
    expect(responses.map(({ headers }) => headers.get('x-request-id'))).toEqual(['of-ann', 'of-bob']);
    await until(() => world.logLines().length >= 3); // One is the query of `received`.
    const lines = world.logLines().filter(({ requestId }) => /^of-/.test(String(requestId)));
    expect(lines.map(({ requestId, viewer, upstreamCalls }) => [requestId, viewer, upstreamCalls]).sort()).toEqual([
      ['of-ann', 'ann', 1],
      ['of-bob', 'bob', 0],
    ]);
  });

  it('share an error, with the same bytes, and its code is in each log line', async () => {
    await using world = await start();
    world.upstream.on(TARGET, { id: 'broken' });
    const gate = world.upstream.hold();
    const pending = [world.send('ann')];
    await gate.arrived(1);
    pending.push(world.send('bob'));
    await received(world, 2);
    gate.release();
    const [first, second] = await Promise.all(pending.map(async (response) => (await response).text()));
    expect(first).toContain('UPSTREAM_INVALID_RESPONSE');
    expect(second).toBe(first);
    expect(world.upstream.calls).toHaveLength(1);
    const ofCallers = () => world.logLines().filter(({ viewer }) => viewer !== undefined);
    await until(() => ofCallers().length === 2);
    for (const { errorCodes } of ofCallers()) expect(errorCodes).toEqual(['UPSTREAM_INVALID_RESPONSE']);
  });

  it('do not share what depends on the role or on the name of the caller', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const query = '{ fineTuningJob(id: "ftjob-1") { viewerCanCancel } viewer { name } }';
    const ofRole = '{ fineTuningJob(id: "ftjob-1") { viewerCanCancel } }';
    const pending = [world.send('ann', query), world.send('bob', query), world.send('ann', ofRole)];
    await gate.arrived(1);
    pending.push(world.send('eve', ofRole));
    await received(world, 4);
    gate.release();
    const bodies = await Promise.all(pending.map(async (response) => (await response).json()));
    expect(bodies.map(({ data }) => [data.viewer?.name, data.fineTuningJob.viewerCanCancel])).toEqual([
      ['ann', true],
      ['bob', true],
      [undefined, true],
      [undefined, false],
    ]);
  });

  it('do not share between keys of the upstream', async () => {
    const [ann, bob] = [`sk-ann-${randomUUID()}`, `sk-bob-${randomUUID()}`];
    await using world = await startWorld({ AUTH: 'passthrough', ...NO_CACHE });
    world.upstream.on(TARGET, ({ headers }: IncomingMessage, response: ServerResponse) => {
      const suffix = headers.authorization === `Bearer ${ann}` ? 'of-ann' : 'of-bob';
      writeResponse(response, 200, jobBody({ id: 'ftjob-1', user_provided_suffix: suffix }));
    });
    const gate = world.upstream.hold();
    const pending = [ann, bob].map((key) => askAs(world.gateway.url, `Bearer ${key}`, JOB));
    await gate.arrived(2);
    gate.release();
    const suffixes = (await Promise.all(pending)).map(({ data }) => Object(data?.['fineTuningJob']).suffix);
    expect(suffixes).toEqual(['of-ann', 'of-bob']);
  });

  it('do not share the cost, which each caller asks for itself', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    const ask = async (name: 'ann' | 'bob') => {
      const params = { query: JOB, extensions: { cost: true } };
      const { body } = await post(world.gateway.url, params, { authorization: `Bearer ${world.tokens[name]}` });
      return Object(body.extensions?.['cost']).remaining;
    };
    await world.send('ann', '{ __typename }');
    const [ofAnn, ofBob] = await Promise.all([ask('ann'), ask('bob')]);
    expect(ofBob - ofAnn).toBe(1);
  });
});

describe('a caller that leaves', () => {
  it.each([
    ['first', 'bob'],
    ['second', 'ann'],
  ] as const)('does not end the execution for the others, as the %s one', async (_, remaining) => {
    await using world = await start();
    const gate = world.upstream.hold();
    const aborts = { ann: new AbortController(), bob: new AbortController() };
    const pending = { ann: world.send('ann', JOB, {}, aborts.ann.signal), bob: Promise.resolve(new Response()) };
    await gate.arrived(1);
    pending.bob = world.send('bob', JOB, {}, aborts.bob.signal);
    await received(world, 2);
    const leaving = remaining === 'bob' ? 'ann' : 'bob';
    aborts[leaving].abort();
    await expect(pending[leaving]).rejects.toThrow();
    await abandoned(world);
    gate.release();
    const body = await (await pending[remaining]).json();
    expect(body).toEqual({ data: { fineTuningJob: expect.objectContaining({ id: 'ftjob-1' }) } });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('ends the upstream call when it is the last one, and the next query starts another', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const aborts = [new AbortController(), new AbortController()];
    const pending = [world.send('ann', JOB, {}, aborts[0]?.signal)];
    await gate.arrived(1);
    pending.push(world.send('bob', JOB, {}, aborts[1]?.signal));
    await received(world, 2);
    for (const abort of aborts) abort.abort();
    for (const response of pending) await expect(response).rejects.toThrow();
    await gate.abandoned(1);
    gate.release();
    expect((await (await world.send('ann')).json()).errors).toBeUndefined();
    expect(world.upstream.calls).toHaveLength(2);
  });
});

describe('between two equal queries', () => {
  it('a mutation makes the second one read anew', async () => {
    await using world = await start();
    const held: (() => void)[] = [];
    world.upstream.on(TARGET, (_: unknown, response: ServerResponse) => {
      const body = jobBody({ id: 'ftjob-1', status: held.length === 0 ? 'running' : 'cancelled' });
      held.push(() => writeResponse(response, 200, body));
    });
    world.upstream.on(`${TARGET}/cancel`, jobBody({ id: 'ftjob-1', status: 'cancelled' }));
    const before = world.send('ann');
    await until(() => held.length === 1);
    expect(await (await world.send('bob', CANCEL)).text()).toContain('Success');
    const after = world.send('bob');
    await until(() => held.length === 2);
    for (const respond of held) respond();
    expect((await (await after).json()).data.fineTuningJob.status).toBe('CANCELLED');
    expect((await before).status).toBe(200);
  });

  it('a revoked token cannot join; the queries that it has started end as usual', async () => {
    await using world = await start();
    const gate = world.upstream.hold();
    const first = world.send('ann');
    await gate.arrived(1);
    world.write(tokenLine('bob', 'operator', world.tokens.bob));
    world.clock.advance(5000);
    await world.send('bob', '{ __typename }'); // Reads the file.
    world.clock.advance(5000);
    const [revoked, other] = [world.send('ann'), world.send('bob')];
    expect((await revoked).status).toBe(401);
    gate.release();
    expect([(await first).status, (await other).status]).toEqual([200, 200]);
  });
});

describe('the points of a shared execution', () => {
  const JOBS = '{ fineTuningJobs(filter: {statuses: [FAILED]}, first: 1) { scannedCount } }'; // 10 points.

  it('are paid by each caller: one with too few gets its own 429', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '12' });
    world.upstream.onJobs([]);
    for (let count = 0; count < 3; count++) await world.send('bob', '{ __typename }');
    const gate = world.upstream.hold();
    const first = world.send('ann', JOBS);
    await gate.arrived(1);
    const second = await world.send('bob', JOBS);
    expect([second.status, (await second.json()).errors[0].extensions.code]).toEqual([429, 'RATE_LIMITED']);
    gate.release();
    const paid = await first;
    expect([paid.status, paid.headers.get('ratelimit-remaining')]).toEqual([200, '2']);
  });

  it('are those of the first caller for calls beyond the price: without them, the others execute on their own', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '40' });
    const ids = Array.from({ length: 12 }, (_, index) => `file-r${index}`);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files: ids }));
    world.upstream.onFiles(ids.map((id) => fileBody(id)));
    world.upstream.on('/files', { object: 'list', data: [], has_more: false });
    const query = '{ fineTuningJob(id: "ftjob-1") { resultFiles { id } } }';
    const { url } = world.gateway;
    const params = { query, extensions: { cost: true } };
    const { body } = await post(url, params, { authorization: `Bearer ${world.tokens.eve}` });
    const { requested: price, extra } = Object(body.extensions?.['cost']);
    expect(extra).toBeGreaterThan(0);
    for (let left = 40; left > price; left--) await world.send('ann', '{ __typename }');
    const gate = world.upstream.hold();
    const pending = [world.send('ann', query)];
    await gate.arrived(1);
    pending.push(world.send('bob', query));
    await received(world, 1);
    gate.release();
    const [ofAnn, ofBob] = await Promise.all(pending.map(async (response) => (await response).json()));
    expect(JSON.stringify(ofAnn.errors)).toContain('RATE_LIMITED');
    expect(ofBob.errors).toBeUndefined();
    expect(ofBob.data.fineTuningJob.resultFiles).toHaveLength(12);
  });
});

describe('a kept answer', () => {
  it.each([0, 20_000])(
    'has the same bytes for every request of a connection, with %i more characters',
    async (size) => {
      await using world = await startWorld();
      const suffix = `🚀 ünï ${'x'.repeat(size)}`;
      world.upstream.onJob(jobBody({ id: 'ftjob-1', user_provided_suffix: suffix }));
      const body = Buffer.from(JSON.stringify({ query: `${JOB} # 🚀` })).toString('latin1');
      const head = 'Host: localhost\r\nContent-Type: application/json\r\n';
      const request = (last = '') =>
        `POST /graphql HTTP/1.1\r\n${head}${last}Content-Length: ${body.length}\r\n\r\n${body}`;
      await using connection = await openRawConnection(world.gateway.url);
      connection.write(request());
      await connection.receivedMatch(/\}\}\}/);
      const search = new URLSearchParams({ query: `${JOB} # 🚀` });
      const get = `GET /graphql?${search} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      connection.write(request(), request(), get, get, request('Connection: close\r\n'));
      const responses = parseResponses(await connection.closed);
      expect(responses).toHaveLength(6);
      for (const response of responses) {
        const json = JSON.parse(Buffer.from(response.body, 'latin1').toString());
        expect(json.data.fineTuningJob.suffix).toBe(suffix);
        expect(response.headers).toMatchObject({ vary: 'accept, accept-encoding', 'cache-control': 'no-store' });
      }
      expect(new Set(responses.map(({ headers }) => headers['x-request-id'])).size).toBe(6);
      expect(world.upstream.calls).toHaveLength(1);
    },
  );

  it('is sent to a client of HTTP/1.0, which gets its length and the end of the connection', async () => {
    await using world = await startWorld();
    world.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    await world.gateway.query(JOB);
    const body = JSON.stringify({ query: JOB });
    await using connection = await openRawConnection(world.gateway.url);
    const head = `Host: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    connection.write(`POST /graphql HTTP/1.0\r\n${head}\r\n\r\n${body}`);
    const [response] = parseResponses(await connection.closed);
    expect(response?.headers).toMatchObject({ connection: 'close', 'content-length': String(response?.body.length) });
  });
});
