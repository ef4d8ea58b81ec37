import { describe, expect, it } from 'vitest';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { joinInMemory, joinThroughRedis, type ScopeReplica } from '../../../kit/fleet/scope-replica.ts';
import { until, untilAsync } from '../../../kit/until.ts';

/** Joins through a Redis of its own, which ends with it. */
async function joinRedis(): Promise<ScopeReplica> {
  const redis = await startRedis();
  return await joinThroughRedis(redis.url, 'scope', () => redis[Symbol.asyncDispose]());
}

const implementations: [string, () => Promise<ScopeReplica>][] = [['memory', async () => joinInMemory('scope')]];
if (redisProgram !== null) implementations.push(['Redis', joinRedis]);

const revisionOf = async (replica: ScopeReplica, jobId: string, status: string, expected: number | null) => {
  const result = await replica.offer(jobId, status, expected);
  return 'revision' in result ? result.revision : Number.NaN;
};

describe.each(implementations)('offers through %s', (_, join) => {
  it('are accepted in the known revision only, and come to the replica itself once', async () => {
    await using replica = await join();
    const first = await revisionOf(replica, 'ftjob-1', 'queued', null);
    const second = await revisionOf(replica, 'ftjob-1', 'running', first);
    expect(second).toBeGreaterThan(first);
    const late = await replica.offer('ftjob-1', 'paused', first);
    expect(late).toMatchObject({ kind: 'refused', current: { revision: second, raw: { status: 'running' } } });
    await until(() => replica.accepted.length >= 2);
    expect(replica.accepted.map(({ revision, origin }) => [revision, origin])).toEqual([
      [first, 'ftjob-1 queued'],
      [second, 'ftjob-1 running'],
    ]);
  });

  it('of an equal body change nothing, whatever the known revision', async () => {
    await using replica = await join();
    const first = await revisionOf(replica, 'ftjob-1', 'queued', null);
    expect(await replica.offer('ftjob-1', 'queued', first)).toEqual({ kind: 'unchanged', revision: first });
    expect(await replica.offer('ftjob-1', 'queued', null)).toEqual({ kind: 'unchanged', revision: first });
    expect(replica.accepted.length).toBeLessThanOrEqual(1);
  });

  it('do not lead out of a terminal status, except by the deletion of the job', async () => {
    await using replica = await join();
    const first = await revisionOf(replica, 'ftjob-1', 'succeeded', null);
    expect(await replica.offer('ftjob-1', 'running', first)).toMatchObject({ kind: 'refused' });
    expect(await replica.offer('ftjob-1', null, first)).toMatchObject({ kind: 'accepted' });
    expect(await replica.offer('ftjob-1', 'running', null)).toMatchObject({ kind: 'accepted' });
  });

  it('of different jobs do not concern each other', async () => {
    await using replica = await join();
    await revisionOf(replica, 'ftjob-1', 'queued', null);
    expect(await replica.offer('ftjob-2', 'running', null)).toMatchObject({ kind: 'accepted' });
    const known = [
      { jobId: 'ftjob-1', revision: null },
      { jobId: 'ftjob-2', revision: null },
      { jobId: 'ftjob-3', revision: null },
    ];
    expect((await replica.scope.compare(known)).map(({ jobId }) => jobId)).toEqual(['ftjob-1', 'ftjob-2']);
  });
});

describe.skipIf(redisProgram === null)('replicas of one scope', () => {
  it('race with offers in one revision: one is accepted, and all get the same order', async () => {
    await using redis = await startRedis();
    await using replicas = new AsyncDisposableStack();
    const all: ScopeReplica[] = [];
    for (let count = 0; count < 3; count++) all.push(replicas.use(await joinThroughRedis(redis.url, 'scope')));
    await until(() => all.some(({ scope }) => scope.role === 'polls'));
    await Promise.all(all.map(({ scope }) => scope.compare([]))); // They follow now.
    let expected: number | null = null;
    for (let round = 0; round < 30; round++) {
      const results = await Promise.all(all.map((one, index) => one.offer('ftjob-1', `r${round} ${index}`, expected)));
      const winners = results.flatMap((result) => (result.kind === 'accepted' ? [result.revision] : []));
      expect(winners).toHaveLength(1);
      expected = winners[0] ?? null;
    }
    await until(() => all.every(({ accepted }) => accepted.length === 30));
    const orders = all.map(({ accepted }) => accepted.map(({ revision, raw }) => [revision, raw]));
    expect(orders[1]).toEqual(orders[0]);
    expect(orders[2]).toEqual(orders[0]);
  });

  it('get each change once, also when a reply about their part is older than the changes that they have', async () => {
    await using redis = await startRedis();
    await using first = await joinThroughRedis(redis.url, 'scope');
    await using second = await joinThroughRedis(redis.url, 'scope');
    await Promise.all([first, second].map(({ scope }) => scope.compare([])));
    const count = 1000;
    let revision: number | null = null;
    for (let change = 0; change < count; change++) {
      first.scope.setInterest('job ftjob-own', change % 2 === 0); // Sends its part.
      revision = await revisionOf(second, 'ftjob-1', `s${change}`, revision);
    }
    await until(() => first.accepted.at(-1)?.revision === revision);
    expect(first.accepted).toHaveLength(count);
    expect(first.told).toEqual([]);
  });

  it('have one that polls, which learns what the others watch and is asked for polls', async () => {
    await using redis = await startRedis();
    await using first = await joinThroughRedis(redis.url, 'scope');
    first.scope.setInterest('job ftjob-own', true);
    await until(() => first.scope.role === 'polls');
    const second = await joinThroughRedis(redis.url, 'scope');
    second.scope.setInterest('job ftjob-1', true);
    second.scope.setInterest('jobs', true);
    await until(() => first.interest.size === 2);
    expect([...first.interest].sort()).toEqual(['job ftjob-1', 'jobs']);
    expect(second.scope.role).toBe('follows');
    second.scope.requestPoll('ftjob-1', 'webhook');
    await until(() => first.told.includes('poll ftjob-1 webhook'));
    second.scope.setInterest('jobs', false);
    await until(() => first.interest.size === 1);
    await first[Symbol.asyncDispose]();
    await until(() => second.scope.role === 'polls'); // The lease was given back.
    expect([...second.interest]).toEqual([]);
    await second[Symbol.asyncDispose]();
    await untilAsync(async () => (await redis.client.keys('test:watch:scope:l*')).length === 0);
  });

  it('write what Redis has lost again, and refuse what was read before', async () => {
    await using redis = await startRedis();
    await using first = await joinThroughRedis(redis.url, 'scope');
    await using second = await joinThroughRedis(redis.url, 'scope');
    const old = await revisionOf(first, 'ftjob-1', 'queued', null);
    const revision = await revisionOf(first, 'ftjob-1', 'running', old);
    await redis.client.flushall();
    expect((await second.offer('ftjob-1', 'paused', old)).kind).toBe('reset');
    await until(() => [first, second].every(({ told }) => told.includes('reset')));
    await first.scope.restore('ftjob-1', revision, { status: 'running', raw: { status: 'running' } }, false);
    expect(await second.offer('ftjob-1', 'paused', old)).toMatchObject({ kind: 'refused', current: { revision } });
    expect(await revisionOf(second, 'ftjob-1', 'succeeded', revision)).toBeGreaterThan(revision);
  });
});
