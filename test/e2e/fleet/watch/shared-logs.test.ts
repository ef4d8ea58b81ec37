import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/clock.ts';
import { eventBody, stepBody } from '../../../kit/bodies/event.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { openSse, type SseStream } from '../../../kit/client/sse.ts';
import { createTestClock } from '../../../kit/clock.ts';
import { type Nemesis, startNemesis } from '../../../kit/fleet/nemesis.ts';
import { type RedisServer, redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { startGateway, type TestGateway } from '../../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream } from '../../../kit/gateway/upstream.ts';
import { createGrowingLog } from '../../../kit/store/growing-log.ts';
import { until } from '../../../kit/until.ts';

const INTERVAL_MS = 200;
const REPLICAS = 3;
const JOB = 'ftjob-logged';
const EVENTS = `subscription ($since: ID) { fineTuningJobEventAdded(jobId: "${JOB}", since: $since) { event { id } } }`;
const METRICS = `subscription { fineTuningJobMetricsAdded(jobId: "${JOB}", sinceStep: 0) { point { step } } }`;
const PROGRESS = `subscription {
  fineTuningJobProgressChanged(jobId: "${JOB}") { job { status } progress { step } }
}`;
const LAST = { message: 'The job has successfully completed' };
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
  readonly nemeses: readonly Nemesis[];
  /** Number of reads of the log so far. */
  reads(): number;
}

async function startFleet(clock: Clock = systemClock): Promise<Fleet> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const upstream = opened.use(await startUpstream());
  upstream.onJob(jobBody({ id: JOB, status: 'running' }));
  const [nemeses, gateways]: [Nemesis[], TestGateway[]] = [[], []];
  for (let count = 0; count < REPLICAS; count++) {
    const nemesis = opened.use(await startNemesis(redis.port));
    nemeses.push(nemesis);
    const all = { ...settings, OPENAI_BASE_URL: upstream.baseUrl, REDIS_URL: nemesis.url };
    gateways.push(opened.use(await startGateway(all, clock)));
  }
  await until(() => gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis answers')));
  const parts = opened.move();
  return {
    redis,
    upstream,
    gateways,
    nemeses,
    reads: () => upstream.calls.filter(({ target }) => target.startsWith(`/fine_tuning/jobs/${JOB}/events`)).length,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A subscriber, and the values that it has had so far. */
interface Subscriber<T> {
  readonly seen: T[];
  readonly ended: Promise<void>;
}

async function subscribe<T>(
  gateway: TestGateway | undefined,
  query: string,
  toValue: (data: never) => T,
  variables = {},
) {
  const stream = await openSse(gateway?.url ?? '', { query, variables });
  const seen: T[] = [];
  const ended = readAll(stream, (data) => seen.push(toValue(data as never)));
  ended.catch(() => {}); // The end of the test cuts the stream.
  return { seen, ended } satisfies Subscriber<T>;
}

async function readAll(stream: SseStream, onData: (data: unknown) => void): Promise<void> {
  for (let result = await stream.result(); result !== undefined; result = await stream.result()) {
    const { data } = result as { data?: unknown };
    if (!data) throw new Error(JSON.stringify(result));
    onData(data);
  }
}

type EventData = { fineTuningJobEventAdded: { event: { id: string } } };
const eventId = (data: EventData) => data.fineTuningJobEventAdded.event.id;
const followEvents = (gateway: TestGateway | undefined, since?: string) =>
  subscribe(gateway, EVENTS, eventId, { since: since ?? null });

const end = ({ upstream }: Fleet, status = 'succeeded') =>
  upstream.onJob(jobBody({ id: JOB, status, finished_at: Math.floor(Date.now() / 1000) }));

describe.skipIf(redisProgram === null)('the event log of a job, followed on three replicas', () => {
  it('is read once per interval, and all subscribers get the same events in order, once', async () => {
    await using fleet = await startFleet();
    const log = createGrowingLog(fleet.upstream, JOB);
    log.grow(5);
    const subscribers: Subscriber<string>[] = [];
    for (let count = 0; count < 60; count++)
      subscribers.push(await followEvents(fleet.gateways[count % REPLICAS], log.ids[4]));
    const isUpToDate = () => subscribers.every(({ seen }) => seen.length === log.ids.length - 5);
    log.grow(1);
    await until(isUpToDate);
    const [startedAt, before] = [performance.now(), fleet.reads()];
    for (const count of [1, 2, 30, 0, 1, 60, 1]) {
      log.grow(count);
      await until(isUpToDate);
    }
    await until(() => fleet.reads() >= before + 10);
    const intervals = (performance.now() - startedAt) / INTERVAL_MS;
    expect(fleet.reads() - before).toBeLessThanOrEqual(intervals + 1);
    for (const { seen } of subscribers) expect(seen).toEqual(log.ids.slice(5));
  });

  it('loses nothing when more events come at once than one page has', async () => {
    await using fleet = await startFleet();
    const log = createGrowingLog(fleet.upstream, JOB);
    log.grow(1);
    const subscribers = await Promise.all(fleet.gateways.map((gateway) => followEvents(gateway, log.ids.at(-1))));
    for (const count of [1, 350, 1, 120]) {
      log.grow(count);
      await until(() => subscribers.every(({ seen }) => seen.length === log.ids.length - 1));
    }
    for (const { seen } of subscribers) expect(seen).toEqual(log.ids.slice(1));
  });

  it('ends on all replicas with its last event', async () => {
    await using fleet = await startFleet();
    const log = createGrowingLog(fleet.upstream, JOB);
    log.grow(3);
    const subscribers = await Promise.all(fleet.gateways.map((gateway) => followEvents(gateway, log.ids.at(-1))));
    log.grow(1);
    await until(() => subscribers.every(({ seen }) => seen.length === 1));
    end(fleet);
    log.grow(1, () => LAST);
    await Promise.all(subscribers.map(({ ended }) => ended));
    for (const { seen } of subscribers) expect(seen).toEqual(log.ids.slice(3));
  });

  it('ends on all replicas when a failed job has settled', { timeout: 60_000 }, async () => {
    const clock = createTestClock(Date.now());
    const turns = setInterval(() => clock.advance(5), 5);
    await using fleet = await startFleet(clock);
    const log = createGrowingLog(fleet.upstream, JOB);
    log.grow(3);
    const subscribers = await Promise.all(fleet.gateways.map((gateway) => followEvents(gateway, log.ids.at(-1))));
    end(fleet, 'failed');
    log.grow(1);
    await until(() => subscribers.every(({ seen }) => seen.length === 1));
    let isOver = false;
    const ends = Promise.all(subscribers.map(({ ended }) => ended)).then(() => {
      isOver = true;
    });
    log.grow(1); // After the end.
    for (; !isOver; await setTimeout(20)) clock.advance(500);
    await ends;
    for (const { seen } of subscribers) expect(seen).toEqual(log.ids.slice(3));
    clearInterval(turns);
  });

  it('goes on after `since` on another replica', async () => {
    await using fleet = await startFleet();
    const log = createGrowingLog(fleet.upstream, JOB);
    log.grow(1);
    const first = await followEvents(fleet.gateways[0], log.ids[0]);
    log.grow(5);
    await until(() => first.seen.length === 5);
    const others = await Promise.all(fleet.gateways.map((gateway) => followEvents(gateway, first.seen[1])));
    await until(() => others.every(({ seen }) => seen.length === 3));
    log.grow(2);
    await until(() => others.every(({ seen }) => seen.length === 5));
    for (const { seen } of others) expect(seen).toEqual(log.ids.slice(3));
  });

  it.each(['hold', 'refuse', 'flush', 'restart'] as const)(
    'loses and repeats nothing while Redis is away for one replica after the other: %s',
    { timeout: 60_000 },
    async (fault) => {
      await using fleet = await startFleet();
      const log = createGrowingLog(fleet.upstream, JOB);
      log.grow(1);
      const subscribers = await Promise.all(fleet.gateways.map((gateway) => followEvents(gateway, log.ids.at(-1))));
      const isUpToDate = () => subscribers.every(({ seen }) => seen.length === log.ids.length - 1);
      for (const nemesis of fleet.nemeses) {
        log.grow(1);
        await until(isUpToDate);
        if (fault === 'flush') await fleet.redis.client.flushall();
        else if (fault === 'restart') {
          await fleet.redis.kill();
          await fleet.redis.start();
        } else nemesis.mode = fault;
        log.grow(1);
        await until(isUpToDate); // The replica reads the log itself.
        nemesis.mode = 'pass';
        log.grow(1);
        await until(isUpToDate);
      }
      for (const { seen } of subscribers) expect(seen).toEqual(log.ids.slice(1));
    },
  );

  it('gives the metrics of each step once, on all replicas', async () => {
    await using fleet = await startFleet();
    const steps = (last: number) => Array.from({ length: last }, (_, index) => stepBody(index + 1, 100)).reverse();
    fleet.upstream.onEvents(JOB, steps(2));
    type Data = { fineTuningJobMetricsAdded: { point: { step: number } } };
    const stepOf = (data: Data) => data.fineTuningJobMetricsAdded.point.step;
    const subscribers = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, METRICS, stepOf)));
    for (const last of [3, 5, 6]) {
      fleet.upstream.onEvents(JOB, steps(last));
      await until(() => subscribers.every(({ seen }) => seen.at(-1) === last));
    }
    for (const { seen } of subscribers) expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('moves the progress on all replicas by one read per interval', async () => {
    await using fleet = await startFleet();
    const setStep = (step: number) => fleet.upstream.onEvents(JOB, [stepBody(step, 100)]);
    setStep(1);
    type Data = { fineTuningJobProgressChanged: { job: { status: string }; progress: { step: number } } };
    const moveOf = ({ fineTuningJobProgressChanged: { job, progress } }: Data) => `${job.status} ${progress.step}`;
    const subscribers = await Promise.all(fleet.gateways.map((gateway) => subscribe(gateway, PROGRESS, moveOf)));
    const isAt = (step: number) => () => subscribers.every(({ seen }) => seen.at(-1) === `RUNNING ${step}`);
    await until(isAt(1));
    const [startedAt, before] = [performance.now(), fleet.reads()];
    for (const step of [2, 3, 5, 8]) {
      setStep(step);
      await until(isAt(step));
    }
    await until(() => fleet.reads() >= before + 10);
    const intervals = (performance.now() - startedAt) / INTERVAL_MS;
    expect(fleet.reads() - before).toBeLessThanOrEqual(intervals + 1);
    end(fleet);
    fleet.upstream.onEvents(JOB, [eventBody('ftevent-last', { ...LAST, created_at: 1_760_001_000 }), stepBody(8, 100)]);
    await Promise.all(subscribers.map(({ ended }) => ended));
    for (const { seen } of subscribers) {
      expect(seen.slice(-5)).toEqual(['RUNNING 2', 'RUNNING 3', 'RUNNING 5', 'RUNNING 8', 'SUCCEEDED 8']);
    }
  });
});
