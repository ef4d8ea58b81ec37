import type { ServerResponse } from 'node:http';
import { Agent, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream, writeResponse } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

// Callers bring keys, and a client can invent any number of them. No test waits for the end of a minute.

const CHEAP = '{ gateway { version } }';
/** Costs two points. */
const CANCEL = 'mutation { cancelFineTuningJob(input: { jobId: "ftjob-1" }) { ... on Error { code } } }';
/** Costs one point, too. */
const JOB = '{ fineTuningJob(id: "ftjob-1") { id } }';

/** A gateway with an upstream that accepts the keys that start with `real`. */
async function start(settings: Record<string, string>) {
  const upstream = await startUpstream();
  upstream.failAll(({ headers }, response) =>
    headers.authorization?.startsWith('Bearer real')
      ? writeResponse(response, 200, jobBody({ id: 'ftjob-1' }))
      : writeResponse(response, 401, { error: { message: 'Incorrect API key provided.' } }),
  );
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    AUTH: 'passthrough',
    ALLOW_MUTATIONS: 'on',
    ...settings,
  });
  const agent = new Agent({ keepAlive: true });
  let inventedCount = 0;
  return {
    upstream,
    gateway,
    statusFor: (key: string, query = JOB, localAddress = '127.0.0.1') =>
      statusFrom(localAddress, gateway.url, key, query, agent),
    inventKey: () => `invented-${++inventedCount}`,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function statusFrom(localAddress: string, url: string, key: string, query: string, agent: Agent) {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const sent = request(url, { method: 'POST', localAddress, headers, agent }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  sent.on('error', reject).end(JSON.stringify({ query }));
  return promise;
}

describe('invented keys of one address', () => {
  it('share the points of one caller, and those of another address have their own', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '10' });
    for (let count = 0; count < 10; count++) expect(await world.statusFor(world.inventKey(), CHEAP)).toBe(200);
    expect(await world.statusFor(world.inventKey(), CHEAP)).toBe(429);
    expect(await world.statusFor(world.inventKey(), CHEAP, '127.0.0.2')).toBe(200);
  });

  it('make at most 100 upstream calls in a minute, because each rejected one costs 1/100 of the points', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    const statuses: unknown[] = [];
    for (let count = 0; count < 110; count++) statuses.push(await world.statusFor(world.inventKey()));
    expect(statuses.indexOf(429)).toBe(100);
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('make at most 100 upstream calls with the same key, too', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    for (let count = 0; count < 110; count++) await world.statusFor('invented');
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('make at most 100 upstream calls by mutations, too, whose rejection is data and not an error', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    const statuses: unknown[] = [];
    for (let count = 0; count < 110; count++) statuses.push(await world.statusFor(world.inventKey(), CANCEL));
    expect(statuses.indexOf(429)).toBe(100);
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('cost the same when their clients disconnect before the response', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (let count = 1; count <= 40; count++) {
      const gate = world.upstream.hold();
      const client = new AbortController();
      const headers = { 'content-type': 'application/json', authorization: `Bearer real-${count}` };
      const body = JSON.stringify({ query: JOB });
      const sent = fetch(world.gateway.url, { method: 'POST', headers, body, signal: client.signal });
      await gate.arrived(1);
      client.abort();
      await expect(sent).rejects.toThrow();
      await until(() => world.gateway.log.filter(({ isAborted }) => isAborted === true).length === count);
      gate.release();
    }
    const { remaining } = await remainingFor(world.gateway.url, world.inventKey());
    expect(remaining).toBe(100 - 2 * 40 - 1); // One point per query, and 1/100 of all points per aborted call.
  });
});

describe('keys that the upstream has accepted', () => {
  it('keep their points when invented keys of their address have none left; new keys wait', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    expect(await world.statusFor('real-1')).toBe(200);
    for (let count = 0; count < 110; count++) await world.statusFor(world.inventKey());
    expect(await world.statusFor(world.inventKey())).toBe(429);
    expect(await world.statusFor('real-1')).toBe(200);
    expect(await world.statusFor('real-2')).toBe(429);
    expect(await world.statusFor('real-2', JOB, '127.0.0.2')).toBe(200);
    expect(await world.statusFor('real-2')).toBe(200); // Accepted meanwhile.
  });

  it('can be accepted by a mutation, too', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    expect(await world.statusFor('real-1', CANCEL)).toBe(200);
    for (let count = 0; count < 110; count++) await world.statusFor(world.inventKey());
    expect(await world.statusFor('real-1')).toBe(200);
    expect(await world.statusFor('real-2')).toBe(429);
  });

  it('take no points from later keys: many keys of one address get responses', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (let caller = 0; caller < 300; caller++) expect(await world.statusFor(`real-${caller}`)).toBe(200);
    expect((await remainingFor(world.gateway.url, 'real-new')).remaining).toBe(99);
  });

  it('pay for their first request with their own points', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (const remaining of [99, 98, 97]) {
      const result = await remainingFor(world.gateway.url, 'real-1', JOB);
      expect(result).toEqual({ status: 200, remaining });
    }
  });

  it('count as invented again when the upstream rejects them', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    expect(await world.statusFor('real-1')).toBe(200);
    world.upstream.failAll((_: unknown, response: ServerResponse) => writeResponse(response, 401, {}));
    const other = '{ fineTuningJob(id: "ftjob-2") { id } }';
    expect((await remainingFor(world.gateway.url, 'real-1', other)).remaining).toBe(98);
    expect((await remainingFor(world.gateway.url, 'real-1', other)).remaining).toBe(98); // Of the unverified account, which has paid one point before.
  });

  it('of one address share the points of CALLERS_PER_ADDRESS callers', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '10', CALLERS_PER_ADDRESS: '2' });
    for (let caller = 0; caller < 20; caller++) expect(await world.statusFor(`real-${caller}`)).toBe(200);
    expect(await world.statusFor('real-1')).toBe(429);
    expect(await world.statusFor('real-1', JOB, '127.0.0.2')).toBe(200);
  });

  it('and invented keys each have their own points with CALLERS_PER_ADDRESS=0', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1', CALLERS_PER_ADDRESS: '0' });
    for (let caller = 0; caller < 20; caller++) expect(await world.statusFor(world.inventKey(), CHEAP)).toBe(200);
    expect([await world.statusFor('real-1', CHEAP), await world.statusFor('real-1', CHEAP)]).toEqual([200, 429]);
  });
});

async function remainingFor(url: string, key: string, query = CHEAP) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  await response.text();
  return { status: response.status, remaining: Number(response.headers.get('ratelimit-remaining')) };
}
