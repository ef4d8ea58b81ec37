import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../../kit/client/sse.ts';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { type RedisServer, redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startGateway, type TestGateway } from '../../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../../kit/gateway/upstream.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const INTERVAL_MS = 200;
const STATUS = `subscription ($id: ID!) { fineTuningJobStatusChanged(jobId: $id) { status previousStatus observedAt } }`;
const ANY = 'subscription { anyFineTuningJobStatusChanged { job { id } status } }';
const settings = {
  OPENAI_API_KEY: 'test-key-of-the-fleet',
  POLL_INTERVAL_MS: String(INTERVAL_MS),
  MAX_SUBSCRIPTIONS: '1000',
  MAX_SUBSCRIPTIONS_PER_CALLER: '1000',
};

interface Fleet extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly upstream: ScriptedUpstream;
  readonly gateways: readonly TestGateway[];
}

async function startFleet(size: number, urls?: (redis: RedisServer) => readonly string[]): Promise<Fleet> {
  const redis = await startRedis();
  const upstream = await startUpstream();
  upstream.onJobs([]);
  const gateways: TestGateway[] = [];
  for (const url of urls?.(redis) ?? Array(size).fill(redis.url)) {
    gateways.push(await startGateway({ ...settings, OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: url }));
  }
  await until(() => gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis answers')));
  return {
    redis,
    upstream,
    gateways,
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

const subscribe = (gateway: TestGateway | undefined, id: string) =>
  openSse(gateway?.url ?? '', { query: STATUS, variables: { id } });

/** The next change of a stream; undefined at its end. */
async function changeOf(stream: SseStream) {
  const result = (await stream.result()) as
    | { data?: { fineTuningJobStatusChanged: Record<string, unknown> } }
    | undefined;
  return result?.data?.fineTuningJobStatusChanged;
}

/** How often Redis has begun to answer a gateway. */
const answersOf = (gateway: TestGateway | undefined) =>
  gateway?.log.filter(({ msg }) => msg === 'Redis answers').length ?? 0;

const statusOf = async (stream: SseStream) => (await changeOf(stream))?.['status'];
const pollsOf = ({ upstream }: Fleet, id: string) =>
  upstream.calls.filter(({ target }) => target === `/fine_tuning/jobs/${id}`).length;

describe.skipIf(redisProgram === null)('subscribers of three replicas', () => {
  it('share one poll per interval, and get the same changes in order, once', async () => {
    await using fleet = await startFleet(3);
    const id = 'ftjob-shared';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const streams: SseStream[] = [];
    for (let count = 0; count < 300; count++) streams.push(await subscribe(fleet.gateways[count % 3], id));
    const first = await Promise.all(streams.map(statusOf));
    expect(first).toEqual(Array(300).fill('QUEUED'));
    const [startedAt, before] = [performance.now(), pollsOf(fleet, id)];
    await until(() => pollsOf(fleet, id) >= before + 10);
    const intervals = (performance.now() - startedAt) / INTERVAL_MS;
    expect(pollsOf(fleet, id) - before).toBeLessThanOrEqual(intervals + 1);
    const seen = streams.map(() => [] as unknown[]);
    for (const status of ['running', 'succeeded']) {
      fleet.upstream.onJob(jobBody({ id, status }));
      await Promise.all(streams.map(async (stream, index) => seen[index]?.push(await changeOf(stream))));
    }
    for (const one of seen) expect(one).toEqual(seen[0]);
    expect(seen[0]).toMatchObject([
      { status: 'RUNNING', previousStatus: 'QUEUED' },
      { status: 'SUCCEEDED', previousStatus: 'RUNNING' },
    ]);
    expect(await Promise.all(streams.map(changeOf))).toEqual(Array(300).fill(undefined));
  });

  it('of all jobs get the changes and new jobs that one replica polls', async () => {
    await using fleet = await startFleet(3);
    const jobs: ReturnType<typeof jobBody>[] = [];
    const show = (position: number, id: string, status: string, created_at: number) => {
      const job = jobBody({ id, status, created_at });
      if (position < 0) jobs.unshift(job);
      else jobs[position] = job;
      fleet.upstream.onJob(job);
    };
    fleet.upstream.onJobs(jobs);
    show(-1, 'ftjob-old', 'running', 1_760_000_000);
    const streams: SseStream[] = [];
    for (const gateway of fleet.gateways) streams.push(await openSse(gateway.url, { query: ANY }));
    const next = () => Promise.all(streams.map((stream) => stream.result()));
    const change = (id: string, status: string) => ({
      data: { anyFineTuningJobStatusChanged: { job: { id }, status } },
    });
    expect(await next()).toEqual(Array(3).fill(change('ftjob-old', 'RUNNING')));
    show(-1, 'ftjob-new', 'failed', 1_760_000_001);
    expect(await next()).toEqual(Array(3).fill(change('ftjob-new', 'FAILED')));
    show(1, 'ftjob-old', 'succeeded', 1_760_000_000);
    expect(await next()).toEqual(Array(3).fill(change('ftjob-old', 'SUCCEEDED')));
  });

  it('get NOT_FOUND for a job that does not exist, and for one that is deleted', async () => {
    await using fleet = await startFleet(2);
    const errorOf = async (stream: SseStream) =>
      ((await stream.result()) as { errors?: { extensions: { code: string } }[] }).errors?.[0]?.extensions.code;
    const missing = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, 'ftjob-missing')));
    expect(await Promise.all(missing.map(errorOf))).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    const id = 'ftjob-deleted';
    fleet.upstream.onJob(jobBody({ id, status: 'running' }));
    const streams = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, id)));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['RUNNING', 'RUNNING']);
    fleet.upstream.on(`/fine_tuning/jobs/${id}`, undefined);
    expect(await Promise.all(streams.map(errorOf))).toEqual(['NOT_FOUND', 'NOT_FOUND']);
  });

  it('go on when the replica that polls stops, without a second snapshot', async () => {
    await using fleet = await startFleet(2);
    const id = 'ftjob-handed-over';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const [first, second] = fleet.gateways;
    await using polled = await subscribe(first, id);
    expect(await statusOf(polled)).toBe('QUEUED');
    await using stream = await subscribe(second, id);
    expect(await statusOf(stream)).toBe('QUEUED');
    await first?.[Symbol.asyncDispose]();
    fleet.upstream.onJob(jobBody({ id, status: 'running' }));
    const startedAt = performance.now();
    expect(await changeOf(stream)).toMatchObject({ status: 'RUNNING', previousStatus: 'QUEUED' });
    expect(performance.now() - startedAt).toBeLessThan(8000); // It has given the polls back: its lease would end later.
  });

  it('lose and repeat no change when Redis loses all data', async () => {
    await using fleet = await startFleet(3);
    const id = 'ftjob-flushed';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const streams = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, id)));
    expect(await Promise.all(streams.map(statusOf))).toEqual(Array(3).fill('QUEUED'));
    await fleet.redis.client.flushall();
    await until(() => fleet.gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis can have lost data')));
    await untilAsync(async () => (await fleet.redis.client.keys(`*job:${id}`)).length === 1); // Written again.
    await using late = await subscribe(fleet.gateways[1], id);
    expect(await statusOf(late)).toBe('QUEUED');
    fleet.upstream.onJob(jobBody({ id, status: 'running' }));
    const changes = await Promise.all([...streams, late].map(changeOf));
    for (const change of changes) expect(change).toMatchObject({ status: 'RUNNING', previousStatus: 'QUEUED' });
  });

  it('get the changes while Redis is away, and none again when it is back', async () => {
    await using fleet = await startFleet(2);
    const id = 'ftjob-alone';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const streams = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, id)));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['QUEUED', 'QUEUED']);
    await fleet.redis.kill();
    await until(() => fleet.gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis does not answer')));
    fleet.upstream.onJob(jobBody({ id, status: 'running' }));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['RUNNING', 'RUNNING']);
    await fleet.redis.start();
    await until(() => fleet.gateways.every((gateway) => answersOf(gateway) >= 2));
    const before = pollsOf(fleet, id);
    await until(() => pollsOf(fleet, id) >= before + 6);
    fleet.upstream.onJob(jobBody({ id, status: 'succeeded' }));
    const changes = await Promise.all(streams.map(changeOf));
    for (const change of changes) expect(change).toMatchObject({ status: 'SUCCEEDED', previousStatus: 'RUNNING' });
  });

  it('never go backwards when one replica is cut off from Redis', async () => {
    const redis = await startRedis();
    await using _redis = redis;
    await using nemesis = await startNemesis(redis.port);
    await using fleet = await startFleet(2, () => [redis.url, nemesis.url]);
    const id = 'ftjob-cut-off';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const streams = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, id)));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['QUEUED', 'QUEUED']);
    nemesis.mode = 'hold';
    await until(() => fleet.gateways[1]?.log.some(({ msg }) => msg === 'Redis does not answer') === true);
    for (const [status, name] of [
      ['running', 'RUNNING'],
      ['paused', 'PAUSED'],
    ]) {
      fleet.upstream.onJob(jobBody({ id, status: status ?? '' }));
      expect(await Promise.all(streams.map(statusOf))).toEqual([name, name]);
    }
    nemesis.mode = 'pass';
    await until(() => answersOf(fleet.gateways[1]) >= 2);
    fleet.upstream.onJob(jobBody({ id, status: 'succeeded' }));
    const changes = await Promise.all(streams.map(changeOf));
    for (const change of changes) expect(change).toMatchObject({ status: 'SUCCEEDED', previousStatus: 'PAUSED' });
  });

  it('get the changes after an outage with a loss of data, also when a poll was under way meanwhile', async () => {
    const redis = await startRedis();
    await using _redis = redis;
    await using nemesis = await startNemesis(redis.port);
    await using fleet = await startFleet(2, () => [redis.url, nemesis.url]);
    const id = 'ftjob-slow-poll';
    fleet.upstream.onJob(jobBody({ id, status: 'queued' }));
    const streams = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, id)));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['QUEUED', 'QUEUED']);
    nemesis.mode = 'refuse';
    await until(() => fleet.gateways[1]?.log.some(({ msg }) => msg === 'Redis does not answer') === true);
    fleet.upstream.onJob(jobBody({ id, status: 'running' }));
    expect(await Promise.all(streams.map(statusOf))).toEqual(['RUNNING', 'RUNNING']);
    const gate = fleet.upstream.hold();
    await gate.arrived(2); // A poll of each.
    await redis.client.flushall();
    nemesis.mode = 'pass';
    await until(() => fleet.gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis can have lost data')));
    await until(() => answersOf(fleet.gateways[1]) >= 2);
    gate.release();
    fleet.upstream.onJob(jobBody({ id, status: 'succeeded' }));
    const changes = await Promise.all(streams.map(changeOf));
    for (const change of changes) expect(change).toMatchObject({ status: 'SUCCEEDED', previousStatus: 'RUNNING' });
  });
});
