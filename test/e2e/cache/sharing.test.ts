import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id status } }';
const JOBS = '{ fineTuningJobs(first: 3) { edges { node { id } } } }';
const NO_CACHE = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));

describe('concurrent queries', () => {
  it.each([
    ['one job', JOB],
    ['a list', JOBS],
  ])('cost one upstream call for 100 equal queries, without caching: %s', async (_, query) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    upstream.onJobs([jobBody({ id: 'ftjob-1' })]);
    const gate = upstream.hold();
    const responses = times(100, () => gateway.query(query));
    await gateway.received(100);
    gate.release();
    const [first, ...others] = await responses;
    expect(first?.errors).toBeUndefined();
    for (const other of others) expect(other).toEqual(first);
    expect(upstream.calls).toHaveLength(1);
  });

  it('do not share a read that has ended, without caching', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    await gateway.query(JOB);
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    expect(await gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'SUCCEEDED' } } });
    expect(upstream.calls).toHaveLength(2);
  });

  it('share a failure, which is not cached', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-1', { id: 'broken' });
    const gate = upstream.hold();
    const responses = times(10, () => gateway.query(JOB));
    await gateway.received(10);
    gate.release();
    for (const { errors } of await responses) expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    expect(await gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(upstream.calls).toHaveLength(2);
  });

  it('abort their upstream call when the last client disconnects', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = upstream.hold();
    const client = new AbortController();
    const response = gateway.query(JOB, {}, client.signal);
    await gate.arrived(1);
    client.abort();
    await expect(response).rejects.toThrow();
    await gate.abandoned(1);
    gate.release();
    await gateway.query('{ __typename }');
    const lines = gateway.log.map(({ msg, isAborted, upstreamCalls, status }) => ({
      msg,
      isAborted,
      upstreamCalls,
      status,
    }));
    expect(lines).toEqual([
      { msg: 'request', isAborted: true, upstreamCalls: 1 },
      { msg: 'request', upstreamCalls: 0, status: 200 },
    ]);
  });

  it('do not abort it while another client waits', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = upstream.hold();
    const client = new AbortController();
    const first = gateway.query(JOB, {}, client.signal);
    await gate.arrived(1);
    const second = gateway.query(JOB);
    await gateway.received(2);
    client.abort();
    await expect(first).rejects.toThrow();
    gate.release();
    expect(await second).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(upstream.calls).toHaveLength(1);
  });
});

describe('cached values', () => {
  const start = async (status: string) => {
    const clock = createTestClock();
    const upstream = await startUpstream();
    const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, clock);
    upstream.onJob(jobBody({ id: 'ftjob-1', status }));
    upstream.onJobs([jobBody({ id: 'ftjob-1', status })]);
    return {
      clock,
      gateway,
      upstream,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  };

  it.each([
    ['an active job', JOB],
    ['a list', JOBS],
    ['an absence', '{ fineTuningJob(id: "ftjob-none") { id } }'],
  ])(
    'of %s cost no call in the first four fifths of CACHE_ACTIVE_MS, and are not served after it',
    async (_, query) => {
      await using world = await start('running');
      await world.gateway.query(query);
      world.clock.advance(799);
      await world.gateway.query(query);
      expect(world.upstream.calls).toHaveLength(1);
      world.clock.advance(201);
      await world.gateway.query(query);
      expect(world.upstream.calls).toHaveLength(2);
    },
  );

  it('of an ended job are cached for CACHE_SETTLED_MS, from a minute after its end', async () => {
    await using world = await start('succeeded');
    const callsAfter = async (ms: number) => {
      world.clock.advance(ms);
      await world.gateway.query(JOB);
      return world.upstream.calls.length;
    };
    expect(await callsAfter(0)).toBe(1);
    expect(await callsAfter(59_999)).toBe(2);
    expect(await callsAfter(1000)).toBe(3);
    expect(await callsAfter(239_999)).toBe(3); // Later it may be refreshed before it expires.
    expect(await callsAfter(60_001)).toBe(4);
  });

  it('are not replaced by a late response to an older request', async () => {
    await using world = await start('running');
    const gate = world.upstream.hold();
    const list = world.gateway.query('{ fineTuningJobs(first: 3) { edges { node { status } } } }');
    await gate.arrived(1);
    const held = world.upstream.hold(); // The list stays on hold; the job is read meanwhile.
    world.clock.advance(10);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    held.release();
    await world.gateway.query(JOB);
    gate.release();
    expect(await list).toEqual({ data: { fineTuningJobs: { edges: [{ node: { status: 'SUCCEEDED' } }] } } });
    expect(await world.gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'SUCCEEDED' } } });
  });

  it('of a list are served for each of its jobs', async () => {
    await using world = await start('running');
    await world.gateway.query(JOBS);
    expect(await world.gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('are separate for each page', async () => {
    await using world = await start('running');
    await world.gateway.query('{ fineTuningJobs(first: 3) { edges { cursor } } }');
    await world.gateway.query('{ fineTuningJobs(first: 4) { edges { cursor } } }');
    expect(world.upstream.calls).toHaveLength(2);
  });
});

describe('one query', () => {
  it('reads a job once for all fields that refer to it, without caching', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    await gateway.query(
      '{ a: fineTuningJob(id: "ftjob-1") { id } b: node(id: "ftjob-1") { id } c: nodes(ids: ["ftjob-1"]) { id } }',
    );
    expect(upstream.calls).toHaveLength(1);
  });
});
