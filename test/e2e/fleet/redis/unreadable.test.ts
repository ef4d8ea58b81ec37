import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse } from '../../../kit/client/sse.ts';
import { type Fleet, replicaOf, startFleet } from '../../../kit/fleet/nemesis-fleet.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import type { TestGateway } from '../../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../../kit/gateway/upstream.ts';
import { mutate } from '../../../kit/mutation/examples.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const JOB = 'ftjob-1';
const STATUS = `{ fineTuningJob(id: "${JOB}") { status } }`;
const CHANGES = `subscription { fineTuningJobStatusChanged(jobId: "${JOB}") { status } }`;
const STREAM = 'finetune:invalidations';

interface World extends Fleet {
  readonly upstream: ScriptedUpstream;
}

async function startWorld(settings: Record<string, string>): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  const fleet = opened.use(
    await startFleet(2, { OPENAI_BASE_URL: upstream.baseUrl, ALLOW_MUTATIONS: 'on', ...settings }),
  );
  const parts = opened.move();
  return { ...fleet, upstream, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

function setStatus({ upstream }: World, status: string) {
  upstream.onJob(jobBody({ id: JOB, status }));
  upstream.on(`/fine_tuning/jobs/${JOB}/cancel`, jobBody({ id: JOB, status }));
}

const statusOn = async (gateway: TestGateway) => Object((await gateway.query(STATUS)).data?.['fineTuningJob']).status;
const warningsOf = (gateway: TestGateway, kind: string) =>
  gateway.log.filter(({ msg, kind: about }) => msg === 'Redis has what this replica cannot read' && about === kind);

describe.skipIf(redisProgram === null)('a replica that finds in Redis what it cannot read', () => {
  it.each([
    ['no number and no change', ['a', 'b']],
    ['a change that is no JSON', ['serial', '1', 'replica', 'another', 'change', '{']],
    ['a change of another shape', ['serial', '1', 'replica', 'another', 'change', '{"noun":7}']],
  ])('reads everything anew after an invalidation with %s, and follows the next ones', async (_, fields) => {
    await using world = await startWorld({ CACHE_ACTIVE_MS: '3600000', CACHE_SETTLED_MS: '3600000' });
    const [first, second] = [replicaOf(world, 0), replicaOf(world, 1)];
    setStatus(world, 'running');
    expect(await statusOn(second)).toBe('RUNNING');
    setStatus(world, 'paused');
    for (let entry = 0; entry < 3; entry++) await world.redis.client.xadd(STREAM, '*', ...fields);
    await untilAsync(async () => (await statusOn(second)) === 'PAUSED');
    await until(() => warningsOf(second, 'invalidations').length > 0);
    setStatus(world, 'queued');
    await mutate(first.url, 'none', 'cancelFineTuningJob', { jobId: JOB });
    await untilAsync(async () => (await statusOn(second)) === 'QUEUED');
    expect(warningsOf(second, 'invalidations')).toHaveLength(1); // One per minute.
  });

  it.each([
    ['no observation', ['kind', 'job', 'id', JOB]],
    ['a body that is no JSON', ['kind', 'job', 'id', JOB, 'revision', '1', 'body', '{', 'count', '2']],
  ])('finds the accepted state of a job after an entry with %s, and follows the next ones', async (_, fields) => {
    await using world = await startWorld({ POLL_INTERVAL_MS: '60000' });
    setStatus(world, 'queued');
    const [first, second] = [replicaOf(world, 0), replicaOf(world, 1)];
    const streams = [await openSse(first.url, { query: CHANGES }), await openSse(second.url, { query: CHANGES })];
    const next = async () => {
      const results = await Promise.all(streams.map((stream) => stream.result()));
      return results.map((result) => Object(result).data.fineTuningJobStatusChanged.status);
    };
    expect(await next()).toEqual(['QUEUED', 'QUEUED']);
    const { client } = world.redis;
    const [key = ''] = await client.keys('finetune:watch:*:job:*');
    const [log = ''] = await client.keys('finetune:watch:*:log');
    const revision = Number(await client.hget(key, 'revision')) + 1;
    const body = JSON.stringify(jobBody({ id: JOB, status: 'running' }));
    await client.hset(key, { revision, body, status: 'running', digest: 'of another replica' });
    await client.xadd(log, '*', ...fields); // In place of the entry of this observation.
    expect(await next()).toEqual(['RUNNING', 'RUNNING']);
    setStatus(world, 'paused');
    await mutate(first.url, 'none', 'cancelFineTuningJob', { jobId: JOB });
    expect(await next()).toEqual(['PAUSED', 'PAUSED']);
    for (const gateway of world.replicas) expect(warningsOf(gateway, 'watch')).toHaveLength(1);
    for (const stream of streams) await stream.close();
  });
});
