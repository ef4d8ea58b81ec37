import { describe, expect, it } from 'vitest';
import { COMMAND_TIMEOUT_MS } from '../../../../src/state/redis/connection/connection.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { post } from '../../../kit/client/post.ts';
import { openSse } from '../../../kit/client/sse.ts';
import { openSocket, subscribe } from '../../../kit/client/ws.ts';
import { startNemesis } from '../../../kit/fleet/nemesis.ts';
import { patientClock } from '../../../kit/fleet/patient-clock.ts';
import { redisProgram, startRedis } from '../../../kit/fleet/redis-server.ts';
import { areAcquainted, startReplicas } from '../../../kit/fleet/replicas.ts';
import { startGatewayProcess } from '../../../kit/process/gateway-process.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const CHEAP = { query: '{ gateway { version } }' };
const JOB = jobBody();
const WATCH = { query: `subscription { fineTuningJobStatusChanged(jobId: "${JOB.id}") { status } }` };
const three = (url: string) => [url, url, url];
const remainingOf = ({ headers }: { headers: Headers }) => Number(headers.get('ratelimit-remaining'));

describe.skipIf(redisProgram === null)("a caller's points", () => {
  it('are the same on every replica', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), { RATE_LIMIT_PER_MINUTE: '7' }, patientClock);
    const remaining: number[] = [];
    for (let count = 0; count < 7; count++) remaining.push(remainingOf(await post(replicas.next().url, CHEAP)));
    expect(remaining).toEqual([6, 5, 4, 3, 2, 1, 0]);
    for (const { url } of replicas.gateways) expect((await post(url, CHEAP)).status).toBe(429);
  });

  it('are exactly as many as there are, when requests race', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), { RATE_LIMIT_PER_MINUTE: '30' }, patientClock);
    const statuses: number[] = [];
    const client = async () => {
      for (let count = 0; count < 8; count++) statuses.push((await post(replicas.next().url, CHEAP)).status);
    };
    await Promise.all(Array.from({ length: 9 }, client));
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
  });

  it('are a share of the limit on each replica while Redis is away, without a wait for each request', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using replicas = await startReplicas(three(nemesis.url), { RATE_LIMIT_PER_MINUTE: '90' });
    await areAcquainted(redis.client, 3);
    nemesis.mode = 'hold';
    await until(() => replicas.gateways.every(({ log }) => log.some(({ msg }) => msg === 'Redis does not answer')));
    for (const { url } of replicas.gateways) {
      const startedAt = performance.now();
      const statuses: number[] = [];
      for (let count = 0; count < 40; count++) statuses.push((await post(url, CHEAP)).status);
      expect(statuses.filter((status) => status === 200)).toHaveLength(30);
      expect(performance.now() - startedAt).toBeLessThan(40 * COMMAND_TIMEOUT_MS * 0.25); // Most did not wait for Redis.
    }
  });

  it('are shared by invented keys of one address on all replicas', async () => {
    await using redis = await startRedis();
    const settings = {
      AUTH: 'passthrough',
      FLEET_SECRET: 'a-secret-of-the-test-with-enough-characters',
      RATE_LIMIT_PER_MINUTE: '20',
    };
    await using replicas = await startReplicas(three(redis.url), settings, patientClock);
    const request = () => post(replicas.next().url, CHEAP, { authorization: `Bearer test-${crypto.randomUUID()}` });
    const statuses: number[] = [];
    const client = async () => {
      for (let count = 0; count < 5; count++) statuses.push((await request()).status);
    };
    await Promise.all(Array.from({ length: 6 }, client));
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
  });
});

describe.skipIf(redisProgram === null)('MAX_SUBSCRIPTIONS_PER_CALLER', () => {
  const limit = { MAX_SUBSCRIPTIONS_PER_CALLER: '3' };

  it('holds on all replicas together, and a stream that ends makes way for another', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas(three(redis.url), limit);
    replicas.upstream.onJob(JOB);
    const streams = await Promise.all(replicas.gateways.map(({ url }) => openSse(url, WATCH)));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const { url } of replicas.gateways) {
      const { status, body } = await post(url, WATCH, { accept: 'text/event-stream' });
      expect([status, JSON.stringify(body)]).toEqual([429, expect.stringContaining('MAX_SUBSCRIPTIONS_PER_CALLER')]);
    }
    streams[0]?.close();
    const last = replicas.gateways[2]?.url ?? '';
    await using stack = new AsyncDisposableStack();
    await untilAsync(async () => stack.use(await openSse(last, WATCH)).status === 200);
    for (const stream of streams) stream.close();
  });

  it('is a share on each replica while Redis is away', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    await using replicas = await startReplicas([nemesis.url, nemesis.url], { MAX_SUBSCRIPTIONS_PER_CALLER: '4' });
    replicas.upstream.onJob(JOB);
    await areAcquainted(redis.client, 2);
    nemesis.mode = 'hold';
    await using stack = new AsyncDisposableStack();
    for (const { url } of replicas.gateways) {
      const statuses: number[] = [];
      for (let count = 0; count < 3; count++) statuses.push(stack.use(await openSse(url, WATCH)).status);
      expect(statuses).toEqual([200, 200, 429]);
    }
  });

  it('does not count the subscription of a client that leaves while it is counted', async () => {
    await using redis = await startRedis();
    await using nemesis = await startNemesis(redis.port);
    const settings = { MAX_SUBSCRIPTIONS_PER_CALLER: '1', RATE_LIMIT_PER_MINUTE: '0' };
    await using replicas = await startReplicas([nemesis.url], settings);
    replicas.upstream.onJob(JOB);
    const gateway = replicas.next();
    nemesis.mode = 'hold';
    const client = await openSocket(gateway.url);
    client.send(subscribe('1', WATCH.query));
    client.send({ type: 'ping' });
    expect(await client.next()).toEqual({ type: 'pong' }); // The subscription has begun, and waits for Redis.
    client.socket.terminate();
    await until(() => gateway.log.some(({ msg }) => msg === 'Redis does not answer'));
    await untilAsync(async () => {
      await using stream = await openSse(gateway.url, WATCH);
      return stream.status === 200;
    });
    await until(() => gateway.load().groups === 0);
  });

  it('does not count the streams of a replica that was killed', async () => {
    await using redis = await startRedis();
    await using replicas = await startReplicas([redis.url], limit);
    replicas.upstream.onJob(JOB);
    const { baseUrl } = replicas.upstream;
    const settings = { REDIS_URL: redis.url, OPENAI_API_KEY: replicas.apiKey, ...limit };
    await using killed = await startGatewayProcess(baseUrl, settings);
    await untilAsync(async () => (await fetch(new URL('/ready', killed.url))).ok);
    const { url } = replicas.next();
    for (let count = 0; count < 3; count++) expect((await openSse(killed.url, WATCH)).status).toBe(200);
    expect((await post(url, WATCH, { accept: 'text/event-stream' })).status).toBe(429);
    const startedAt = performance.now();
    killed.signal('SIGKILL');
    await using stack = new AsyncDisposableStack();
    await untilAsync(async () => stack.use(await openSse(url, WATCH)).status === 200);
    expect(performance.now() - startedAt).toBeLessThan(25_000);
  });
});
