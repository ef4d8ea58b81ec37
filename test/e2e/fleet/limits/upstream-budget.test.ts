import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../../kit/bodies/job.ts';
import { type Fleet, replicaOf, startFleet } from '../../../kit/fleet/nemesis-fleet.ts';
import { redisProgram } from '../../../kit/fleet/redis-server.ts';
import type { TestGateway } from '../../../kit/gateway/gateway.ts';
import { type ScriptedUpstream, startUpstream, writeResponse } from '../../../kit/gateway/upstream.ts';
import { NO_CACHE } from '../../../kit/gateway/world.ts';
import { until, untilAsync } from '../../../kit/until.ts';

const MAX_RPS = 20;
/** Redis and the kernel delay a call after it was admitted: then calls are closer to each other. */
const LATE_MS = 150;

interface World extends Fleet {
  readonly upstream: ScriptedUpstream;
  /** When the replicas have sent their upstream calls. */
  readonly sent: number[];
  /** By how much this process, which runs the replicas too, was late. */
  readonly delay: ELDHistogram;
}

async function startWorld(count: number, settings: Record<string, string> = {}): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream());
  const sent: number[] = [];
  const onRequest = (message: unknown) => {
    if (new URL(upstream.baseUrl).origin === Object(message).request.origin) sent.push(performance.now());
  };
  subscribe('undici:request:create', onRequest);
  opened.defer(() => void unsubscribe('undici:request:create', onRequest));
  upstream.failAll((request, response) => {
    writeResponse(response, 200, jobBody({ id: String(request.url).split('/').at(-1) }));
  });
  const all = { OPENAI_BASE_URL: upstream.baseUrl, ...NO_CACHE, UPSTREAM_MAX_RPS: String(MAX_RPS), ...settings };
  const fleet = opened.use(await startFleet(count, all));
  const delay = monitorEventLoopDelay();
  delay.enable();
  opened.defer(() => void delay.disable());
  const parts = opened.move();
  return { ...fleet, upstream, sent, delay, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

let jobs = 0;
/** Queries a job that was not asked before: one upstream call. */
const ask = (gateway: TestGateway, signal?: AbortSignal) =>
  gateway.query(`{ fineTuningJob(id: "ftjob-${++jobs}") { id } }`, {}, signal);

/** Keeps `width` queries in progress on each replica until it is stopped. Resolves to the number of answers of each. */
function flood(replicas: readonly TestGateway[], width: number) {
  const stopped = new AbortController();
  const answers = replicas.map(() => 0);
  const run = async (gateway: TestGateway, index: number) => {
    while (!stopped.signal.aborted) {
      const { data } = await ask(gateway, stopped.signal).catch(() => ({ data: null })); // Stopped.
      if (data?.['fineTuningJob']) answers[index] = (answers[index] ?? 0) + 1;
    }
  };
  const all = replicas.flatMap((gateway, index) => Array.from({ length: width }, () => run(gateway, index)));
  return {
    answers,
    async stop() {
      stopped.abort();
      await Promise.all(all);
    },
  };
}

/** The most calls by which any time between two calls exceeds the rate, and the burst of as many after an idle second. */
function excessOf(calls: readonly number[]): number {
  let [saved, excess] = [MAX_RPS, 0];
  for (const [index, at] of calls.entries()) {
    const seconds = (at - (calls[index - 1] ?? at)) / 1000;
    saved = Math.min(MAX_RPS, saved + seconds * MAX_RPS) - 1;
    excess = Math.max(excess, -saved);
  }
  return excess;
}

/** The calls by which the rate can be exceeded, because calls are sent late. */
const lateCalls = ({ delay }: World) => (MAX_RPS * (LATE_MS + 2 * (delay.max / 1e6))) / 1000;

/** Resolves after `count` more calls, to the milliseconds that they took. */
async function more({ sent }: World, count: number): Promise<number> {
  const [startedAt, before] = [performance.now(), sent.length];
  await until(() => sent.length >= before + count);
  return performance.now() - startedAt;
}

const haveLogged =
  ({ replicas }: World, text: string, count: number) =>
  () =>
    replicas.every(({ log }) => log.filter(({ msg }) => msg === text).length >= count);

describe.skipIf(redisProgram === null)('the rate of upstream calls', () => {
  it.each([1, 3])('is UPSTREAM_MAX_RPS for %i replicas together, in equal shares', async (count) => {
    await using world = await startWorld(count);
    const flooding = flood(world.replicas, 20);
    await more(world, 2 * MAX_RPS);
    const before = [...flooding.answers];
    await more(world, 4 * MAX_RPS);
    const shares = flooding.answers.map((answers, index) => answers - (before[index] ?? 0));
    await flooding.stop();
    expect(excessOf(world.sent)).toBeLessThanOrEqual(lateCalls(world));
    expect(Math.min(...shares)).toBeGreaterThan(0.4 * Math.max(...shares));
  });

  it('belongs to the replicas with demand: an idle one has no share', async () => {
    await using world = await startWorld(3);
    const flooding = flood([replicaOf(world, 0)], 30);
    await more(world, 2 * MAX_RPS);
    const ms = await more(world, 4 * MAX_RPS);
    await flooding.stop();
    expect(ms).toBeLessThan(12_000); // As long as a third of the rate takes.
    expect(excessOf(world.sent)).toBeLessThanOrEqual(lateCalls(world));
  });

  it('stays within UPSTREAM_MAX_RPS when Redis goes away and comes back, again and again', async () => {
    await using world = await startWorld(3);
    const flooding = flood(world.replicas, 10);
    await more(world, 2 * MAX_RPS);
    const acts = [...Array<'hold'>(10).fill('hold'), 'refuse', 'kill'] as const;
    for (const [index, act] of acts.entries()) {
      if (act === 'kill') await world.redis.kill();
      else world.nemesis.mode = act;
      await until(haveLogged(world, 'Redis does not answer', index + 1));
      await more(world, act === 'hold' ? 3 : 2 * MAX_RPS); // Shorter and longer than until the next heartbeat.
      if (act === 'kill') await world.redis.start();
      world.nemesis.mode = 'pass';
      await more(world, MAX_RPS);
      await until(haveLogged(world, 'Redis answers', index + 2));
      await more(world, 3);
    }
    await flooding.stop();
    expect(excessOf(world.sent)).toBeLessThanOrEqual(lateCalls(world));
  });

  it('delays no query by more than a second when Redis stops to answer', async () => {
    await using world = await startWorld(3);
    await ask(replicaOf(world, 0));
    world.nemesis.mode = 'hold';
    const times = await Promise.all(
      world.replicas.map(async (gateway) => {
        const startedAt = performance.now();
        const { data } = await ask(gateway);
        expect(data?.['fineTuningJob']).not.toBeNull();
        return performance.now() - startedAt;
      }),
    );
    expect(Math.max(...times)).toBeLessThan(1000);
  });
});

describe.skipIf(redisProgram === null)('a 429 with Retry-After on one replica', () => {
  it('stops the calls of all until then', async () => {
    await using world = await startWorld(3, { UPSTREAM_MAX_RPS: '1000' });
    await Promise.all(world.replicas.map((gateway) => ask(gateway)));
    const succeed = (request: IncomingMessage, response: ServerResponse) => {
      world.sent.push(performance.now());
      writeResponse(response, 200, jobBody({ id: String(request.url).split('/').at(-1) }));
    };
    let refusedAt = Number.POSITIVE_INFINITY;
    world.upstream.failAll((request, response) => {
      if (refusedAt < Number.POSITIVE_INFINITY) return succeed(request, response);
      refusedAt = performance.now();
      writeResponse(response, 429, { error: { message: 'Too many requests.' } }, { 'retry-after': '2' });
    });
    const refused = await ask(replicaOf(world, 0));
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: 2 });
    await untilAsync(async () => (await world.redis.client.zcard('finetune:budget:blocks')) === 1);
    const answers = await Promise.all(world.replicas.map((gateway) => ask(gateway)));
    expect(answers.map(({ errors }) => errors)).toEqual([undefined, undefined, undefined]);
    expect(Math.min(...world.sent.filter((at) => at > refusedAt)) - refusedAt).toBeGreaterThan(1900);
  });

  it('refuses queries on all that cannot wait so long, and names no credential in Redis', async () => {
    const key = `test-${crypto.randomUUID()}`;
    await using world = await startWorld(2, { OPENAI_API_KEY: key, UPSTREAM_TIMEOUT_MS: '3000' });
    world.upstream.failAll((_, response) =>
      writeResponse(response, 429, { error: { message: 'Too many requests.' } }, { 'retry-after': '30' }),
    );
    await ask(replicaOf(world, 0));
    const calls = world.upstream.calls.length;
    await untilAsync(async () => (await world.redis.client.zcard('finetune:budget:blocks')) === 1);
    const { errors } = await ask(replicaOf(world, 1));
    expect(errors?.[0]?.extensions['code']).toBe('UPSTREAM_RATE_LIMITED');
    expect(Number(errors?.[0]?.extensions['retryAfterSeconds'])).toBeGreaterThan(25);
    expect(world.upstream.calls).toHaveLength(calls);
    const names = await world.redis.client.zrange('finetune:budget:blocks', '0', '-1');
    expect(names).toHaveLength(1);
    expect(String(names[0])).toMatch(/^all [\w-]{43}$/);
    expect(names.map(String).join()).not.toContain(key);
  });
});
