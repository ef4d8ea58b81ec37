import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { many, pairs } from '../../kit/attack/bombs.ts';
import { stepBody } from '../../kit/bodies/event.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { type ListQuirks, oddPager } from '../../kit/gateway/odd-server.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';

const JOB = '/fine_tuning/jobs/ftjob-1';
const LIMIT = 20_000;
const API: ListQuirks = {
  order: 'newest first',
  hasMore: 'exact',
  after: 'honored',
  limit: 'honored',
  unknownCursor: 'rejected',
};

/** Returns the points that the caller has left, after the one that this request costs. */
async function remainingPoints({ url }: TestGateway): Promise<number> {
  const response = await fetch(`${url}?query={__typename}`);
  await response.body?.cancel();
  return Number(response.headers.get('ratelimit-remaining'));
}

/** Returns the points that a request costs. */
async function pointsOf(gateway: TestGateway, request: () => Promise<unknown>): Promise<number> {
  const before = await remainingPoints(gateway);
  await request();
  return before - (await remainingPoints(gateway)) - 1;
}

describe('the results files of a job', () => {
  const FILES = 100;
  const QUERY = '{ fineTuningJob(id: "ftjob-1") { resultFiles { id } } }';

  function scriptJob(upstream: ScriptedUpstream): void {
    const result_files = Array.from({ length: FILES }, (_, index) => `file-${index}`);
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded', result_files }));
    upstream.onFiles([]);
  }

  it('cost a point per call beyond the price, which the response reports', async () => {
    await using upstream = await startUpstream();
    scriptJob(upstream);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    const { body } = await post(gateway.url, { query: QUERY, extensions: { cost: true } });
    expect(upstream.calls).toHaveLength(FILES + 2); // The job, the list of files, and each file that it lacks.
    const extra = FILES + 2 - 3;
    expect(body.extensions).toEqual({ cost: { requested: 3, extra, max: 5000, remaining: LIMIT - FILES - 2 } });
  });

  it('are not read for more points than the caller has', async () => {
    await using upstream = await startUpstream();
    scriptJob(upstream);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, RATE_LIMIT_PER_MINUTE: '20' });
    for (let spent = 0; spent < 5; spent++) await gateway.query('{ __typename }');
    const { errors = [] } = await gateway.query(QUERY);
    expect(upstream.calls).toHaveLength(15);
    expect(errors).toHaveLength(FILES - 13);
    expect(errors[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) });
  });

  it('are not read for more points than one operation may cost', async () => {
    await using upstream = await startUpstream();
    scriptJob(upstream);
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, MAX_QUERY_COST: '20' });
    const { errors = [] } = await gateway.query(QUERY);
    expect(upstream.calls).toHaveLength(20);
    expect(errors[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', limit: 'cost', max: 20, actual: 21 });
  });
});

it('a retry costs a point beyond the price', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, UPSTREAM_RETRIES: '2' });
  upstream.on(JOB, (_: IncomingMessage, response: ServerResponse) => {
    if (upstream.calls.length < 2) return writeResponse(response, 500, {}, { 'retry-after-ms': '1' });
    writeResponse(response, 200, jobBody({ id: 'ftjob-1' }));
  });
  expect(await pointsOf(gateway, () => gateway.query('{ fineTuningJob(id: "ftjob-1") { id } }'))).toBe(2);
  expect(upstream.calls).toHaveLength(2);
});

describe('a log', () => {
  const EVENTS = 60_000;
  const log = Array.from({ length: EVENTS }, (_, index) => stepBody(EVENTS - index, EVENTS));
  const SINCE = `subscription ($since: ID) { fineTuningJobEventAdded(jobId: "ftjob-1", since: $since) { event { id } } }`;

  async function startWithLog(quirks: Partial<ListQuirks>, events = log) {
    const upstream = await startUpstream();
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    upstream.on(`${JOB}/events`, oddPager(events, { ...API, ...quirks }));
    const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, POLL_INTERVAL_MS: '60000' });
    const dispose = async () => {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    };
    return { upstream, gateway, [Symbol.asyncDispose]: dispose };
  }

  async function firstResult({ url }: TestGateway, since: string): Promise<unknown> {
    await using stream = await openSse(url, { query: SINCE, variables: { since } });
    return await stream.result();
  }

  it.each(['rejected', 'start'] as const)(
    'is not read back for an unknown event, where the page after it is %s',
    async (unknownCursor) => {
      await using world = await startWithLog({ unknownCursor });
      expect(await firstResult(world.gateway, 'ftevent-unknown')).toMatchObject({
        errors: [{ extensions: { code: 'BAD_USER_INPUT', argument: 'since' } }],
      });
      expect(world.upstream.calls).toHaveLength(4); // The job, the newest events, the page after the event, and the newest again.
    },
  );

  it('costs a point per page that is read back, while other callers get responses', async () => {
    await using world = await startWithLog({ unknownCursor: 'empty' });
    const cpuBefore = process.cpuUsage();
    let [isOver, responses] = [false, 0];
    const otherCaller = async () => {
      for (; !isOver; responses++) {
        expect(await world.gateway.query('{ __typename }')).toHaveProperty('data.__typename');
        await setTimeout(5);
      }
    };
    const points = await pointsOf(world.gateway, async () => {
      const others = otherCaller();
      await firstResult(world.gateway, 'ftevent-unknown');
      isOver = true;
      await others;
    });
    const { user } = process.cpuUsage(cpuBefore);
    const calls = world.upstream.calls.length;
    expect(calls).toBeGreaterThanOrEqual(500);
    expect(calls).toBeLessThan(510);
    expect(points - responses).toBeGreaterThanOrEqual(calls);
    expect(responses).toBeGreaterThan(20);
    expect(user).toBeLessThan(6_000_000); // Before: 14 seconds, as each page took longer than the one before.
  });

  it('in the opposite order costs a point per page up to its end', async () => {
    await using world = await startWithLog({ order: 'oldest first' }, log.slice(-3000));
    const query = '{ fineTuningJob(id: "ftjob-1") { events(first: 1) { edges { node { id } } } } }';
    const points = await pointsOf(world.gateway, () => world.gateway.query(query));
    expect(world.upstream.calls.length).toBeGreaterThan(30);
    expect(points).toBe(world.upstream.calls.length);
  });
});

describe('a document that is not cached', () => {
  const unknown = (turn: number) => `{ gateway { ${many(2000, (i) => `unknown${turn}x${i}`)} } }`;

  it('costs points by its validation, also when it is invalid', async () => {
    await using gateway = await startGateway();
    expect(await pointsOf(gateway, () => gateway.query('{ gateway { versio } }'))).toBe(1);
    expect(await pointsOf(gateway, () => gateway.query(unknown(0)))).toBe(1 + 6); // 2000 tokens and fields.
    expect(await pointsOf(gateway, () => gateway.query(pairs(20)))).toBe(1 + 1); // 20 equal jobs.
    expect(await pointsOf(gateway, () => gateway.query(`# ${'x'.repeat(300_000)}\n{ a }`))).toBe(1 + 3);
  });

  it('costs nothing when it is cached', async () => {
    await using gateway = await startGateway();
    const query = `{ gateway { ${many(600, () => '... { version }')} } }`.replaceAll(
      /(\.\.\. \{ version \} ){90}/g,
      '',
    );
    const first = await pointsOf(gateway, () => gateway.query(query, { turn: 1 }));
    const second = await pointsOf(gateway, () => gateway.query(query, { turn: 2 }));
    expect([first > second, second]).toEqual([true, 1]);
  });

  it('is rejected with 429 when the caller has too few points for its validation', async () => {
    await using gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '20' });
    const statuses = [];
    for (const turn of [0, 1, 2, 3]) statuses.push((await post(gateway.url, { query: unknown(turn) })).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });
});
