import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';

const JOB = '{ fineTuningJob(id: "ftjob-1") { id status } }';
const JOBS = '{ fineTuningJobs(first: 3) { edges { node { id } } } }';
const NO_CACHE = { CACHE_ACTIVE_MS: '0', CACHE_SETTLED_MS: '0' };

const times = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));

describe('queries under way', () => {
  it.each([
    ['one job', JOB],
    ['a list', JOBS],
  ])('cost one upstream call when 100 ask the same at once, nothing being kept: %s', async (_, query) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    upstream.onJobs([jobBody({ id: 'ftjob-1' })]);
    const gate = upstream.hold();
    const answers = times(100, () => gateway.query(query));
    await gateway.received(100);
    gate.release();
    const [first, ...others] = await answers;
    expect(first?.errors).toBeUndefined();
    for (const other of others) expect(other).toEqual(first);
    expect(upstream.calls).toHaveLength(1);
  });

  it('ask again when the answer came before the question and nothing is kept', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    await gateway.query(JOB);
    upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    expect(await gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'SUCCEEDED' } } });
    expect(upstream.calls).toHaveLength(2);
  });

  it('share a failure too, and do not keep it', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.on('/fine_tuning/jobs/ftjob-1', { id: 'broken' });
    const gate = upstream.hold();
    const answers = times(10, () => gateway.query(JOB));
    await gateway.received(10);
    gate.release();
    for (const { errors } of await answers) expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_INVALID_RESPONSE');
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    expect(await gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(upstream.calls).toHaveLength(2);
  });

  it('abort their upstream call when the last client leaves', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = upstream.hold();
    const leaving = new AbortController();
    const answer = gateway.query(JOB, {}, leaving.signal);
    await gate.arrived(1);
    leaving.abort();
    await expect(answer).rejects.toThrow();
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

  it('go on for the others when one client leaves', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    const gate = upstream.hold();
    const leaving = new AbortController();
    const first = gateway.query(JOB, {}, leaving.signal);
    await gate.arrived(1);
    const second = gateway.query(JOB);
    await gateway.received(2);
    leaving.abort();
    await expect(first).rejects.toThrow();
    gate.release();
    expect(await second).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(upstream.calls).toHaveLength(1);
  });
});

describe('kept answers', () => {
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
    ['a moving job', JOB],
    ['a list', JOBS],
    ['an absence', '{ fineTuningJob(id: "ftjob-none") { id } }'],
  ])('about %s serve for CACHE_ACTIVE_MS and no longer', async (_, query) => {
    await using world = await start('running');
    await world.gateway.query(query);
    world.clock.advance(999);
    await world.gateway.query(query);
    expect(world.upstream.calls).toHaveLength(1);
    world.clock.advance(1);
    await world.gateway.query(query);
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('about a job at its end serve for CACHE_SETTLED_MS, once it has been there for a minute', async () => {
    await using world = await start('succeeded');
    const callsAfter = async (ms: number) => {
      world.clock.advance(ms);
      await world.gateway.query(JOB);
      return world.upstream.calls.length;
    };
    expect(await callsAfter(0)).toBe(1);
    expect(await callsAfter(59_999)).toBe(2);
    expect(await callsAfter(1000)).toBe(3);
    expect(await callsAfter(299_999)).toBe(3);
    expect(await callsAfter(1)).toBe(4);
  });

  it('do not go back to an older one that arrives late', async () => {
    await using world = await start('running');
    const gate = world.upstream.hold();
    const list = world.gateway.query('{ fineTuningJobs(first: 3) { edges { node { status } } } }');
    await gate.arrived(1);
    const held = world.upstream.hold(); // The list waits on; the job is asked for, and answered, in between.
    world.clock.advance(10);
    world.upstream.onJob(jobBody({ id: 'ftjob-1', status: 'succeeded' }));
    held.release();
    await world.gateway.query(JOB);
    gate.release();
    expect(await list).toEqual({ data: { fineTuningJobs: { edges: [{ node: { status: 'SUCCEEDED' } }] } } });
    expect(await world.gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'SUCCEEDED' } } });
  });

  it('of a list serve for each of its jobs', async () => {
    await using world = await start('running');
    await world.gateway.query(JOBS);
    expect(await world.gateway.query(JOB)).toEqual({ data: { fineTuningJob: { id: 'ftjob-1', status: 'RUNNING' } } });
    expect(world.upstream.calls).toHaveLength(1);
  });

  it('are told apart by the page that was asked for', async () => {
    await using world = await start('running');
    await world.gateway.query('{ fineTuningJobs(first: 3) { edges { cursor } } }');
    await world.gateway.query('{ fineTuningJobs(first: 4) { edges { cursor } } }');
    expect(world.upstream.calls).toHaveLength(2);
  });
});

describe('one query', () => {
  it('reads a job once, however many fields name it, nothing being kept', async () => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE });
    upstream.onJob(jobBody({ id: 'ftjob-1' }));
    await gateway.query(
      '{ a: fineTuningJob(id: "ftjob-1") { id } b: node(id: "ftjob-1") { id } c: nodes(ids: ["ftjob-1"]) { id } }',
    );
    expect(upstream.calls).toHaveLength(1);
  });
});
