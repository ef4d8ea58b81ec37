import { describe, expect, it } from 'vitest';
import { eventBody } from '../../kit/bodies/event.ts';
import { fileBody } from '../../kit/bodies/file.ts';
import { jobBody } from '../../kit/bodies/job.ts';
import { createTestClock } from '../../kit/clock.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

const TTL_MS = 1000;
const JOB = 'fineTuningJob(id: "ftjob-1") { status }';
const READS = [
  ['a job', JOB],
  ['an absence', 'fineTuningJob(id: "ftjob-none") { status }'],
  ['a list', 'fineTuningJobs(first: 3) { edges { node { status } } }'],
  ['a log of events', 'fineTuningJob(id: "ftjob-1") { events(first: 3) { edges { node { id } } } }'],
] as const;

async function startWorld() {
  const clock = createTestClock();
  const upstream = await startUpstream();
  const gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl }, clock);
  const setStatus = (status: string) => {
    upstream.onJob(jobBody({ id: 'ftjob-1', status }));
    upstream.onJobs([jobBody({ id: 'ftjob-1', status })]);
  };
  setStatus('running');
  upstream.onEvents('ftjob-1', [eventBody('ftevent-1')]);
  let count = 0;
  return {
    clock,
    upstream,
    gateway,
    setStatus,
    /** Sends a selection as a query of its own: no two have one cached response. */
    read: (selection: string) => gateway.query(`query Q${++count} { ${selection} }`),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const RUNNING = { data: { fineTuningJob: { status: 'RUNNING' } } };
const SUCCEEDED = { data: { fineTuningJob: { status: 'SUCCEEDED' } } };

describe('an entry near its end', () => {
  it.each(READS)('is read anew once for 32 readers, none of which waits: %s', async (_, selection) => {
    await using world = await startWorld();
    const first = await world.read(selection);
    const before = world.upstream.calls.length;
    world.clock.advance(0.95 * TTL_MS);
    const gate = world.upstream.hold();
    const all = await Promise.all(Array.from({ length: 32 }, () => world.read(selection)));
    expect(all).toEqual(all.map(() => first)); // Their upstream call is still on hold.
    await gate.arrived(before);
    expect(world.upstream.calls).toHaveLength(2 * before);
    gate.release();
    await world.read(selection);
    world.clock.advance(0.05 * TTL_MS - 1);
    await world.read(selection);
    expect(world.upstream.calls).toHaveLength(2 * before);
  });

  it('is replaced by the new one, which has the whole TTL', async () => {
    await using world = await startWorld();
    await world.read(JOB);
    world.setStatus('succeeded');
    world.clock.advance(0.95 * TTL_MS);
    expect(await world.read(JOB)).toEqual(RUNNING);
    let status: unknown;
    while (status !== 'SUCCEEDED') status = Object((await world.read(JOB)).data?.['fineTuningJob'])['status'];
    expect(world.upstream.calls).toHaveLength(2);
    world.clock.advance(0.75 * TTL_MS);
    expect(await world.read(JOB)).toEqual(SUCCEEDED);
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('is not served after its end: readers wait for the refresh in flight', async () => {
    await using world = await startWorld();
    await world.read(JOB);
    world.setStatus('succeeded');
    world.clock.advance(0.95 * TTL_MS);
    const gate = world.upstream.hold();
    expect(await world.read(JOB)).toEqual(RUNNING);
    await gate.arrived(1);
    world.clock.advance(0.05 * TTL_MS);
    const late = Promise.all(Array.from({ length: 32 }, () => world.read(JOB)));
    await world.gateway.received(34);
    gate.release();
    for (const response of await late) expect(response).toEqual(SUCCEEDED);
    expect(world.upstream.calls).toHaveLength(2);
  });

  it('is served until its end when its refresh fails, which is not repeated', async () => {
    await using world = await startWorld();
    await world.read(JOB);
    world.clock.advance(0.95 * TTL_MS);
    world.upstream.failAll((_request, response) => void response.writeHead(500).end());
    for (let n = 0; n < 10; n++) expect(await world.read(JOB)).toEqual(RUNNING);
    await until(() => world.upstream.calls.length === 2);
    world.clock.advance(0.05 * TTL_MS - 1);
    expect(await world.read(JOB)).toEqual(RUNNING);
    world.clock.advance(1);
    expect((await world.read(JOB)).errors?.[0]?.extensions['code']).toBe('UPSTREAM_UNAVAILABLE');
    expect(world.upstream.calls).toHaveLength(3);
  });

  it('is not a call of the request that has found it, in the log', async () => {
    await using world = await startWorld();
    await world.read(JOB);
    world.clock.advance(0.95 * TTL_MS);
    await world.read(JOB);
    await until(() => world.upstream.calls.length === 2);
    await world.gateway.received(2);
    const lines = world.gateway.log.filter(({ msg, operation }) => msg === 'request' && operation);
    expect(lines.map(({ upstreamCalls }) => upstreamCalls)).toEqual([1, 0]);
  });

  it('costs one list call for 20 files that are due together', async () => {
    await using world = await startWorld();
    const ids = Array.from({ length: 20 }, (_, index) => `${index}`);
    world.upstream.onJobs(ids.map((id) => jobBody({ id: `ftjob-${id}`, training_file: `file-${id}` })));
    world.upstream.onFiles(ids.map((id) => fileBody(`file-${id}`)));
    const selection = 'fineTuningJobs(first: 20) { edges { node { trainingFile { filename } } } }';
    const first = await world.read(selection);
    world.clock.advance(0.95 * 300_000); // CACHE_SETTLED_MS. The list of jobs has expired.
    expect(await world.read(selection)).toEqual(first);
    await until(() => world.upstream.calls.length === 4);
    await world.read(selection);
    const paths = world.upstream.calls.map(({ target }) => target.split('?')[0]);
    expect(paths.toSorted()).toEqual(['/files', '/files', '/fine_tuning/jobs', '/fine_tuning/jobs']);
  });
});

describe('an entry before the last fifth of its life', () => {
  it.each(READS)('is not read: %s', async (_, selection) => {
    await using world = await startWorld();
    await world.read(selection);
    const before = world.upstream.calls.length;
    world.clock.advance(0.79 * TTL_MS);
    await Promise.all(Array.from({ length: 32 }, () => world.read(selection)));
    expect(world.upstream.calls).toHaveLength(before);
  });
});
