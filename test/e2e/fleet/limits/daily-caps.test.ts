import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { type RedisServer, redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { INPUT, type Replicas, startReplicas } from '../../../kit/fleet/replicas.ts';
import type { TestGateway } from '../../../kit/gateway/gateway.ts';
import { create } from '../../../kit/mutation/create-job.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const SUCCESS = 'CreateFineTuningJobSuccess';
const three = (url: string) => [url, url, url];
const cap = (max: number) => ({ MAX_CREATES_PER_DAY: String(max) });
const race = (count: number, task: () => Promise<string>) => Promise.all(Array.from({ length: count }, task));
const createsOf = (replicas: Replicas, count: number) => race(count, replicas.create);
const succeeded = (results: readonly string[]) => results.filter((result) => result === SUCCESS).length;

/** Redis as it was at the last SAVE: what was written later is lost. */
async function restart(redis: RedisServer): Promise<void> {
  await redis.kill();
  await redis.start();
}

/** Creates until one replica says that the quota is used up. Resolves to the number of created jobs. */
async function createAll(replicas: Replicas): Promise<number> {
  let count = 0;
  await untilAsync(async () => {
    const result = await replicas.create();
    if (result === SUCCESS) count++;
    return result === 'QuotaExceededError';
  });
  return count;
}

/** In this time each replica looks at the counts. */
const LOOK_MS = 2500;
/** Replicas that are connected have written their counts after this time. */
const SETTLED_MS = 4000;

async function knowsQuotaIsUsedUp(gateway: TestGateway): Promise<void> {
  const query = '{ viewer { createFineTuningJobDenial } }';
  await untilAsync(async () => JSON.stringify(await gateway.query(query)).includes('DAILY_QUOTA'));
}

async function isRefused(gateway: TestGateway, type: string): Promise<void> {
  await untilAsync(async () => {
    const { __typename } = await create(gateway, INPUT);
    expect(__typename).not.toBe(SUCCESS);
    return __typename === type;
  });
}

describe.skipIf(redisProgram === null)('MAX_CREATES_PER_DAY on three replicas', () => {
  it('is never exceeded by racing creates', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), cap(5));
    const results = await createsOf(replicas, 60);
    expect(succeeded(results)).toBe(replicas.created);
    await createAll(replicas); // On a busy machine, a command to Redis can time out.
    expect(replicas.created).toBe(5);
    for (const gateway of replicas.gateways) await knowsQuotaIsUsedUp(gateway);
  });

  it('counts no create that the upstream has rejected', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), cap(2));
    replicas.createStatus = 400;
    for (let count = 0; count < 5; count++) expect(await replicas.create()).toBe('UpstreamError');
    replicas.createStatus = 200;
    expect(await createAll(replicas)).toBe(2);
  });

  it.each(['FLUSHALL', 'restart', 'restart without the last creates'])('survives %s', async (loss) => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), cap(8));
    expect(succeeded(await createsOf(replicas, 2))).toBe(2);
    if (loss === 'restart without the last creates') await redis.client.save();
    expect(succeeded(await createsOf(replicas, 3))).toBe(3);
    const racing = createsOf(replicas, 30);
    await (loss === 'FLUSHALL' ? redis.client.flushall() : restart(redis));
    await racing;
    await createAll(replicas);
    expect(replicas.created).toBe(8);
  });

  it('survives the loss again and again, with creates in progress all the time', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), cap(12));
    let isOver = false;
    const clients = race(6, async () => {
      while (!isOver) await replicas.create();
      return '';
    });
    for (let loss = 0; loss < 4; loss++) {
      const before = replicas.created;
      await until(() => replicas.created > before || replicas.created === 12);
      await (loss % 2 === 0 ? redis.client.flushall() : restart(redis));
    }
    isOver = true;
    await clients;
    await createAll(replicas);
    expect(replicas.created).toBe(12);
  });

  it('waits for the counts of a replica that is cut off when Redis loses them', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using replicas = await startReplicas([redis.url, nemesis.url], cap(3));
    const [first, second] = replicas.gateways;
    if (!first || !second) return expect.unreachable();
    expect((await create(first, INPUT)).__typename).toBe(SUCCESS);
    expect((await create(second, INPUT)).__typename).toBe(SUCCESS);
    nemesis.mode = 'hold';
    await redis.client.flushall();
    await setTimeout(SETTLED_MS);
    expect(await create(first, INPUT)).toMatchObject({
      __typename: 'UnavailableError',
      code: 'FLEET_UNAVAILABLE',
    });
    nemesis.mode = 'pass';
    await createAll(replicas);
    expect(replicas.created).toBe(3);
  });

  it('counts the creates of a replica that has stopped before Redis loses everything', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), cap(1));
    const [first, second, last] = replicas.gateways;
    if (!first || !second || !last) return expect.unreachable();
    expect((await create(last, INPUT)).__typename).toBe(SUCCESS);
    await last[Symbol.asyncDispose]();
    for (const gateway of [first, second]) await knowsQuotaIsUsedUp(gateway);
    await setTimeout(LOOK_MS);
    await redis.client.flushall();
    for (const gateway of [first, second]) await isRefused(gateway, 'QuotaExceededError');
    expect(replicas.created).toBe(1);
  });

  it('is refused when a replica dies with counts that Redis has lost, until an operator opens the gate', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using replicas = await startReplicas([redis.url, nemesis.url], cap(2));
    const [first, dying] = replicas.gateways;
    if (!first || !dying) return expect.unreachable();
    await redis.client.save();
    expect((await create(dying, INPUT)).__typename).toBe(SUCCESS);
    nemesis.mode = 'refuse';
    await restart(redis);
    await dying[Symbol.asyncDispose]();
    await isRefused(first, 'UnavailableError');
    await setTimeout(SETTLED_MS);
    expect(await create(first, INPUT)).toMatchObject({
      __typename: 'UnavailableError',
      code: 'FLEET_UNAVAILABLE',
    });
    await redis.client.del('finetune:daily:gate');
    await untilAsync(async () => (await create(first, INPUT)).__typename === SUCCESS);
  });
});

describe.skipIf(redisProgram === null)('while Redis does not answer', () => {
  it('creates are refused within a second, with a code, and queries are answered', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using replicas = await startReplicas(three(nemesis.url), cap(5));
    expect(await replicas.create()).toBe(SUCCESS);
    const request = async (gateway: TestGateway) => {
      const startedAt = performance.now();
      const results = await Promise.all([create(gateway, INPUT), gateway.query('{ gateway { version } }')]);
      return [performance.now() - startedAt, ...results] as const;
    };
    const [before] = await request(replicas.next());
    const { created } = replicas;
    nemesis.mode = 'hold';
    for (const gateway of replicas.gateways) {
      const [time, refusal, query] = await request(gateway);
      expect(time).toBeLessThan(before + 1000);
      expect(refusal).toEqual({
        __typename: 'UnavailableError',
        code: 'FLEET_UNAVAILABLE',
        message: 'Redis, which the replicas of the gateway share, does not answer.',
        retryAfterSeconds: 2,
      });
      expect(query.errors).toBeUndefined();
      await until(() => gateway.log.some(({ msg }) => msg === 'Redis does not answer'));
      const audit = gateway.log.filter(({ msg, outcome }) => msg === 'mutation' && outcome === 'Unavailable');
      expect(audit).toHaveLength(1);
    }
    expect(replicas.created).toBe(created);
    nemesis.mode = 'pass';
    await createAll(replicas);
    expect(replicas.created).toBe(5);
  });
});
