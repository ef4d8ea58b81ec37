import { request as httpRequest } from 'node:http';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

// Callers bring keys, and the upstream takes its time to reject invented ones.

/** At 10 calls per second, their turns would take 40 seconds. */
const INVENTED = 400;
const MAX_UNVERIFIED_CALLS = 16;
const SAMPLES = 11;
/** Far below the time of the turns. */
const MAX_MS = 15_000;
/** A floor for the comparison of times, far below the delay of the attack. */
const FLOOR_MS = 3000;

/** A gateway with an upstream that accepts the keys that start with `real`, and does not respond to others. */
async function start(settings: Record<string, string> = {}) {
  const upstream = await startUpstream();
  let rejects = false;
  upstream.failAll(({ headers, url = '' }, response) => {
    if (headers.authorization?.startsWith('Bearer real'))
      writeResponse(response, 200, jobBody({ id: url.split('/').at(-1) ?? '' }));
    else if (rejects) writeResponse(response, 401, { error: { message: 'Incorrect API key provided.' } });
  });
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    AUTH: 'passthrough',
    UPSTREAM_MAX_RPS: '10',
    ...settings,
  });
  const clients = new AbortController();
  let count = 0;
  const ask = async (key: string, { signal }: AbortController = clients) => {
    const { body, statusCode } = await request(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: `{ fineTuningJob(id: "ftjob-${++count}") { status } }` }),
      signal,
    });
    return { status: statusCode, text: await body.text() };
  };
  return {
    upstream,
    gateway,
    ask,
    reject: () => {
      rejects = true;
    },
    inventedCalls: () => upstream.calls.filter(({ authorization }) => authorization?.includes('invented')).length,
    /** Milliseconds of queries, one after the other. Fails when one has no data. */
    async timesOf(key: string) {
      const times: number[] = [];
      for (let sample = 0; sample < SAMPLES; sample++) {
        const startedAt = performance.now();
        expect(await ask(key)).toEqual({ status: 200, text: '{"data":{"fineTuningJob":{"status":"RUNNING"}}}' });
        times.push(performance.now() - startedAt);
      }
      return times.sort((a, b) => a - b);
    },
    async [Symbol.asyncDispose]() {
      clients.abort();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const median = (times: readonly number[]) => times[Math.floor(times.length / 2)] ?? Number.NaN;

function statusFrom(localAddress: string, url: string, key: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const sent = httpRequest(url, { method: 'POST', localAddress, headers, agent: false }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  sent.on('error', reject).end(JSON.stringify({ query: '{ fineTuningJob(id: "ftjob-new") { status } }' }));
  return promise;
}

describe('many invented keys that the upstream is slow to reject', () => {
  it('make few calls at a time, and delay neither verified callers nor a new one of another address', async () => {
    await using world = await start();
    const idle = median(await world.timesOf('real-1'));
    for (let index = 0; index < INVENTED; index++) world.ask(`invented-${index}`).catch(() => null);
    await until(() => world.inventedCalls() > 0);
    const times = await world.timesOf('real-1');
    expect(median(times)).toBeLessThan(Math.max(3 * idle, FLOOR_MS));
    expect(times.at(-1)).toBeLessThan(MAX_MS);
    expect(await statusFrom('127.0.0.2', world.gateway.url, 'real-2')).toBe(200);
    expect(world.inventedCalls()).toBeLessThan(MAX_UNVERIFIED_CALLS);
  });
});

it('a new key that waits for its turn is sent, however many invented ones arrive meanwhile', async () => {
  await using world = await start({ UPSTREAM_MAX_RPS: '1000', UPSTREAM_RETRIES: '0' });
  const first = new AbortController();
  for (let index = 0; index < MAX_UNVERIFIED_CALLS; index++) world.ask(`invented-${index}`, first).catch(() => null);
  await until(() => world.inventedCalls() > 0);
  const real = world.ask('real-1');
  for (let index = 0; index < INVENTED; index++) world.ask(`invented-later-${index}`).catch(() => null);
  await world.gateway.received(MAX_UNVERIFIED_CALLS + 1 + INVENTED);
  first.abort();
  expect(await real).toEqual({ status: 200, text: '{"data":{"fineTuningJob":{"status":"RUNNING"}}}' });
});

describe('subscriptions with invented keys', () => {
  const SUBSCRIPTION = 'subscription { fineTuningJobStatusChanged(jobId: "ftjob-1") { status } }';
  const subscribe = (url: string, key: string) =>
    openSse(url, { query: SUBSCRIPTION }, { authorization: `Bearer ${key}` });

  it('count as those of one caller', async () => {
    await using world = await start({ MAX_SUBSCRIPTIONS_PER_CALLER: '3' });
    await world.ask('real-1');
    await using opened = new AsyncDisposableStack();
    const statuses: number[] = [];
    for (let index = 0; index < 5; index++) {
      statuses.push(opened.use(await subscribe(world.gateway.url, `invented-${index}`)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(opened.use(await subscribe(world.gateway.url, 'real-1')).status).toBe(200);
  });

  it('cost 1/100 of the points each when the upstream rejects them', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    world.reject();
    for (let index = 0; index < 10; index++) {
      await using stream = await subscribe(world.gateway.url, `invented-${index}`);
      await stream.result();
    }
    await using stream = await subscribe(world.gateway.url, 'invented-last');
    expect(Number(stream.headers.get('ratelimit-remaining'))).toBe(1000 - 10 * (1 + 10) - 1);
  });

  it('verify a key that the upstream accepts', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    await using first = await subscribe(world.gateway.url, 'real-1');
    await first.result();
    world.reject();
    for (let index = 0; index < 10; index++) await world.ask(`invented-${index}`);
    await using second = await subscribe(world.gateway.url, 'real-1');
    expect(Number(second.headers.get('ratelimit-remaining'))).toBeGreaterThan(990);
  });
});

it('a verified key stays verified when its client does not wait for a response', async () => {
  await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
  await world.ask('real-1');
  const gate = world.upstream.hold();
  const client = new AbortController();
  const aborted = world.ask('real-1', client);
  await gate.arrived(1);
  client.abort();
  await expect(aborted).rejects.toThrow();
  await until(() => world.gateway.log.some(({ isAborted }) => isAborted === true));
  gate.release();
  world.reject();
  const statuses = await Promise.all(Array.from({ length: 12 }, (_, index) => world.ask(`invented-${index}`)));
  expect(statuses).toHaveLength(12);
  const { body, headers } = await request(world.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer real-1' },
    body: JSON.stringify({ query: '{ gateway { version } }' }),
  });
  await body.text();
  expect(Number(headers['ratelimit-remaining'])).toBe(1000 - 3);
});
