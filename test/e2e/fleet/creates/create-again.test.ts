import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { startOldRedis } from '../../../kit/fleet/old-redis.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import { INPUT, startReplicas } from '../../../kit/fleet/replicas.ts';
import { create, idOf } from '../../../kit/mutation/create-job.ts';

const MINUTE_MS = 60_000;
const KEYED = { ...INPUT, idempotencyKey: 'nightly-2026-01-01' };

describe.skipIf(redisProgram === null)('a key whose create has an unknown outcome', () => {
  it('can be used again on another replica after a minute, and not before', async () => {
    await using redis = await startOldRedis();
    await using replicas = await startReplicas([redis.url, redis.url]);
    replicas.createStatus = 500;
    expect(await create(replicas.next(), KEYED)).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    replicas.createStatus = 200;
    /** Makes the unknown outcome older. */
    const grow = async (ms: number) => {
      for (const entry of await redis.client.keys('finetune:create:*')) {
        if (await redis.client.hexists(entry, 'unknown')) await redis.client.hincrby(entry, 'unknown', -ms);
      }
    };
    await grow(MINUTE_MS / 2);
    expect(await create(replicas.next(), KEYED)).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(replicas.created).toBe(0);
    await grow(MINUTE_MS / 2);
    expect(idOf(await create(replicas.next(), KEYED))).toBe('ftjob-1');
    replicas.upstream.onJob(jobBody({ id: 'ftjob-1' }));
    expect(idOf(await create(replicas.next(), KEYED))).toBe('ftjob-1');
    expect(replicas.created).toBe(1);
  });
});
