import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { COMMAND_TIMEOUT_MS } from '../../../../src/state/redis/connection/connection.ts';
import { startCreateUpstream } from '../../../kit/fleet/create-upstream.ts';
import { type Nemesis, startNemesis } from '../../../kit/fleet/nemesis.ts';
import { startOldRedis } from '../../../kit/fleet/old-redis.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import { startGateway } from '../../../kit/gateway/gateway.ts';
import { type CreateOutcome, create, idOf } from '../../../kit/mutation/create-job.ts';
import { type GatewayProcess, startGatewayProcess } from '../../../kit/process/gateway-process.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const INPUT = { modelId: 'gpt-4.1-mini', trainingFileId: 'file-1', idempotencyKey: 'nightly-2026-01-01' };
const UNKNOWN = { __typename: 'OutcomeUnknownError', code: 'OUTCOME_UNKNOWN' };
const UNAVAILABLE = { __typename: 'UnavailableError', code: 'FLEET_UNAVAILABLE' };
/** A create ends within this time; 3 s later its outcome counts as unknown. */
const TIMEOUT_MS = 3000;

type Replica = AsyncDisposable & { readonly url: string };

/** Replicas in this process or in their own, with one Redis and one upstream. The first reaches Redis through the nemesis. */
async function openFleet<T extends Replica>(
  start: (baseUrl: string, settings: Record<string, string>) => Promise<T>,
  count: number,
  timeoutMs = TIMEOUT_MS,
) {
  const opened = new AsyncDisposableStack();
  const redis = opened.use(await startOldRedis());
  const nemesis = opened.use(await startNemesis(redis.port));
  const upstream = opened.use(await startCreateUpstream());
  const replicas: T[] = [];
  for (let index = 0; index < count; index++) {
    const settings = {
      OPENAI_API_KEY: 'test-key-of-the-fleet',
      ALLOW_MUTATIONS: 'on',
      RATE_LIMIT_PER_MINUTE: '1000000',
      HEADERS_TIMEOUT_MS: '60000', // A thousand requests at once keep the test busy.
      REDIS_URL: index === 0 ? nemesis.url : redis.url,
      UPSTREAM_TIMEOUT_MS: String(timeoutMs),
    };
    replicas.push(opened.use(await start(upstream.baseUrl, settings)));
  }
  await untilAsync(async () => (await redis.client.zcard('finetune:members')) === count);
  const [first, second] = replicas as [T, T]; // Fleets have two replicas or more.
  return {
    redis,
    nemesis,
    upstream,
    replicas,
    first,
    second,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const inProcess = (OPENAI_BASE_URL: string, settings: Record<string, string>) =>
  startGateway({ OPENAI_BASE_URL, ...settings });

const openReplicas = (timeoutMs = 10_000) => openFleet(inProcess, 2, timeoutMs);
const openProcesses = () => openFleet<GatewayProcess>(startGatewayProcess, 3);

/** A create whose replica can die. */
const tryCreate = (replica: Replica): Promise<CreateOutcome | null> => createPatiently(replica).catch(() => null);

/** Retries while a replica is so busy that Redis seems not to answer, as FLEET_UNAVAILABLE says. */
async function createPatiently(replica: Replica): Promise<CreateOutcome> {
  for (;;) {
    const outcome = await create(replica, INPUT);
    if (outcome.code !== UNAVAILABLE.code) return outcome;
    await setTimeout((outcome.retryAfterSeconds ?? 1) * 1000);
  }
}

/** Milliseconds until a create is refused. */
async function refusalMs(nemesis: Nemesis, mode: 'hold' | 'refuse', replica: Replica): Promise<number> {
  nemesis.mode = mode;
  const startedAt = performance.now();
  expect(await create(replica, INPUT)).toMatchObject({ ...UNAVAILABLE, message: expect.stringContaining('Redis') });
  return performance.now() - startedAt;
}

describe.skipIf(redisProgram === null)('a key on several replicas', () => {
  it('creates one job for 1,000 racing requests on three replicas', { timeout: 90_000 }, async () => {
    await using fleet = await openFleet<GatewayProcess>(startGatewayProcess, 3, 60_000);
    const held = fleet.upstream.holdNext('POST');
    const creating = Promise.all(
      Array.from({ length: 1000 }, (_, index) => createPatiently(fleet.replicas[index % 3] ?? fleet.first)),
    );
    (await held).answer();
    expect(new Set((await creating).map(idOf))).toEqual(new Set(['ftjob-1']));
    expect([fleet.upstream.posts(), fleet.upstream.jobs.length]).toEqual([1, 1]);
  });

  it('is a conflict with another input on each replica, also while the job is being created', async () => {
    await using fleet = await openReplicas();
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    const { answer } = await held;
    const conflicting = create(fleet.second, { ...INPUT, seed: 1 });
    answer();
    expect(idOf(await creating)).toBe('ftjob-1');
    const conflict = { __typename: 'ConflictError', message: expect.stringContaining('belongs to the job ftjob-1') };
    expect(await conflicting).toMatchObject(conflict);
    expect(await create(fleet.first, { ...INPUT, seed: 1 })).toMatchObject(conflict);
    expect(fleet.upstream.posts()).toBe(1);
  });

  it('returns the job on another replica without a search', async () => {
    await using fleet = await openReplicas();
    expect(idOf(await createPatiently(fleet.first))).toBe('ftjob-1');
    const searched = fleet.upstream.holdNext('GET').then(() => 'searched');
    expect(await Promise.race([createPatiently(fleet.second).then(idOf), searched])).toBe('ftjob-1');
  });

  it('is free again on each replica after a create that the upstream refused', async () => {
    await using fleet = await openReplicas();
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    (await held).refuse();
    expect(await creating).toMatchObject({ __typename: 'UpstreamError', code: 'UPSTREAM_REJECTED' });
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(2);
  });

  it('has the unknown outcome of another replica, whose late job is found', async () => {
    await using fleet = await openReplicas(TIMEOUT_MS);
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    const post = await held;
    expect(await creating).toMatchObject(UNKNOWN); // After the timeout.
    expect(await createPatiently(fleet.second)).toMatchObject(UNKNOWN);
    post.create();
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    expect(idOf(await createPatiently(fleet.first))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });
});

describe.skipIf(redisProgram === null)('the replica that creates a job', () => {
  it('can be killed before its request: another one creates the job', { timeout: 60_000 }, async () => {
    await using fleet = await openProcesses();
    const held = fleet.upstream.holdNext('GET');
    void tryCreate(fleet.first);
    await held;
    const creating = createPatiently(fleet.second);
    fleet.first.signal('SIGKILL');
    expect(idOf(await creating)).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });

  it('can be killed during its request: the outcome is unknown until its job is found', {
    timeout: 60_000,
  }, async () => {
    await using fleet = await openProcesses();
    const held = fleet.upstream.holdNext('POST');
    void tryCreate(fleet.first);
    const post = await held;
    fleet.first.signal('SIGKILL');
    expect(await createPatiently(fleet.second)).toMatchObject(UNKNOWN);
    expect(await createPatiently(fleet.second)).toMatchObject(UNKNOWN);
    post.create();
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'can have %s after its request: its job is found',
    { timeout: 60_000 },
    async (signal) => {
      await using fleet = await openProcesses();
      const held = fleet.upstream.holdNext('POST');
      const creating = tryCreate(fleet.first);
      (await held).create();
      fleet.first.signal(signal);
      expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
      fleet.first.signal('SIGCONT');
      await creating;
      expect(fleet.upstream.posts()).toBe(1);
    },
  );

  it('sends nothing when it was stopped before its request and another one took over', {
    timeout: 60_000,
  }, async () => {
    await using fleet = await openProcesses();
    const held = fleet.upstream.holdNext('GET');
    const creating = createPatiently(fleet.first);
    const search = await held;
    fleet.first.signal('SIGSTOP');
    search.answer(); // No job has the key.
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    fleet.first.signal('SIGCONT');
    expect((await creating).__typename).toMatch(/^(CreateFineTuningJobSuccess|UpstreamError)$/); // Or its search has timed out.
    expect(idOf(await createPatiently(fleet.first))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });

  it('can be stopped during its request beyond its time', { timeout: 60_000 }, async () => {
    await using fleet = await openProcesses();
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    const post = await held;
    fleet.first.signal('SIGSTOP');
    expect(await createPatiently(fleet.second)).toMatchObject(UNKNOWN);
    post.answer();
    fleet.first.signal('SIGCONT');
    expect(idOf(await creating)).toBe('ftjob-1');
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });
});

describe.skipIf(redisProgram === null)('while Redis is away', () => {
  it.each(['hold', 'refuse'] as const)(
    'a create with a key is refused, soon at once, and made when Redis is back: %s',
    async (mode) => {
      await using fleet = await openReplicas();
      await refusalMs(fleet.nemesis, mode, fleet.first);
      let totalMs = 0;
      for (let repeat = 0; repeat < 10; repeat++) totalMs += await refusalMs(fleet.nemesis, mode, fleet.first);
      expect(totalMs).toBeLessThan(10 * COMMAND_TIMEOUT_MS); // It is known to be away: none of them waits for it.
      expect(fleet.upstream.posts()).toBe(0);
      fleet.nemesis.mode = 'pass';
      expect(idOf(await createPatiently(fleet.first))).toBe('ftjob-1');
    },
  );

  it('the client gets the job whose create is under way, and other replicas when Redis is back', async () => {
    await using fleet = await openReplicas();
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    const post = await held;
    fleet.nemesis.mode = 'refuse';
    post.answer();
    expect(idOf(await creating)).toBe('ftjob-1');
    expect(idOf(await create(fleet.first, INPUT))).toBe('ftjob-1'); // It knows the job.
    const waiting = create(fleet.second, INPUT);
    fleet.nemesis.mode = 'pass';
    expect(idOf(await waiting)).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });

  it('nothing is sent when it goes away after the reservation', async () => {
    await using fleet = await openReplicas();
    const held = fleet.upstream.holdNext('GET');
    const creating = create(fleet.first, INPUT);
    const search = await held;
    fleet.nemesis.mode = 'hold';
    search.answer();
    expect(await creating).toMatchObject(UNAVAILABLE);
    expect(fleet.upstream.posts()).toBe(0);
    fleet.nemesis.mode = 'pass';
    expect(idOf(await createPatiently(fleet.first))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });
});

describe.skipIf(redisProgram === null)('when Redis has lost its data', () => {
  it('no second create is sent while the first can be under way', async () => {
    await using fleet = await openReplicas();
    const held = fleet.upstream.holdNext('POST');
    const creating = createPatiently(fleet.first);
    const post = await held;
    await fleet.redis.client.flushall();
    let refused = await create(fleet.second, INPUT);
    await untilAsync(async () => {
      expect(refused).toMatchObject(UNAVAILABLE);
      if (!refused.message?.includes('none can tell')) refused = await create(fleet.second, INPUT);
      return refused.message?.includes('none can tell') === true;
    });
    expect(refused.retryAfterSeconds).toBeGreaterThan(40);
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(73); // Timeout, slack, and a minute.
    post.answer();
    expect(idOf(await creating)).toBe('ftjob-1');
    expect(idOf(await createPatiently(fleet.second))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
  });

  it('a job that was created before is found by its mark', async () => {
    await using fleet = await openReplicas();
    expect(idOf(await create(fleet.first, INPUT))).toBe('ftjob-1');
    await fleet.redis.client.flushall();
    for (const replica of fleet.replicas) expect(idOf(await createPatiently(replica))).toBe('ftjob-1');
    expect(fleet.upstream.posts()).toBe(1);
    await until(() => fleet.first.log.some(({ msg }) => msg === 'Redis can have lost data'));
  });
});
