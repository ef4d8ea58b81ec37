import type { ServerResponse } from 'node:http';
import { Agent, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { answer, startUpstream } from '../../kit/gateway/upstream.ts';
import { until } from '../../kit/until.ts';

// Callers with keys of their own, of which anybody can make up any number. No test waits for a minute to end.

const CHEAP = '{ gateway { version } }';
/** Costs two points. */
const CANCEL = 'mutation { cancelFineTuningJob(input: { jobId: "ftjob-1" }) { ... on Error { code } } }';
/** Costs one point, too. */
const JOB = '{ fineTuningJob(id: "ftjob-1") { id } }';

/** An upstream that accepts the keys that begin with `real`. */
async function start(settings: Record<string, string>) {
  const upstream = await startUpstream();
  upstream.failAll(({ headers }, response) =>
    headers.authorization?.startsWith('Bearer real')
      ? answer(response, 200, jobBody({ id: 'ftjob-1' }))
      : answer(response, 401, { error: { message: 'Incorrect API key provided.' } }),
  );
  const gateway = await startGateway({
    OPENAI_BASE_URL: upstream.baseUrl,
    AUTH: 'passthrough',
    ALLOW_MUTATIONS: 'on',
    ...settings,
  });
  const agent = new Agent({ keepAlive: true });
  let made = 0;
  return {
    upstream,
    gateway,
    ask: (key: string, query = JOB, localAddress = '127.0.0.1') =>
      statusFrom(localAddress, gateway.url, key, query, agent),
    madeUp: () => `made-up-${++made}`,
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
  const asked = request(url, { method: 'POST', localAddress, headers, agent }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  asked.on('error', reject).end(JSON.stringify({ query }));
  return promise;
}

describe('made-up keys of one address', () => {
  it('have the points of one caller together, and those of another address have others', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '10' });
    for (let time = 0; time < 10; time++) expect(await world.ask(world.madeUp(), CHEAP)).toBe(200);
    expect(await world.ask(world.madeUp(), CHEAP)).toBe(429);
    expect(await world.ask(world.madeUp(), CHEAP, '127.0.0.2')).toBe(200);
  });

  it('reach the upstream at most a hundred times a minute, as each that it refuses costs much', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    const statuses: unknown[] = [];
    for (let time = 0; time < 110; time++) statuses.push(await world.ask(world.madeUp()));
    expect(statuses.indexOf(429)).toBe(100);
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('do so too when the same one is tried again and again', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    for (let time = 0; time < 110; time++) await world.ask('made-up');
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('do so too when they are to change something, though that is refused as data and not as an error', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100000' });
    const statuses: unknown[] = [];
    for (let time = 0; time < 110; time++) statuses.push(await world.ask(world.madeUp(), CANCEL));
    expect(statuses.indexOf(429)).toBe(100);
    expect(world.upstream.calls).toHaveLength(100);
  });

  it('do so too when their callers leave before they are answered', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (let time = 1; time <= 40; time++) {
      const gate = world.upstream.hold();
      const leaving = new AbortController();
      const headers = { 'content-type': 'application/json', authorization: `Bearer real-${time}` };
      const body = JSON.stringify({ query: JOB });
      const asked = fetch(world.gateway.url, { method: 'POST', headers, body, signal: leaving.signal });
      await gate.arrived(1);
      leaving.abort();
      await expect(asked).rejects.toThrow();
      await until(() => world.gateway.log.filter(({ isAborted }) => isAborted === true).length === time);
      gate.release();
    }
    const { remaining } = await tell(world.gateway.url, world.madeUp());
    expect(remaining).toBe(100 - 2 * 40 - 1); // A point for each query, and a hundredth of all for each that was left.
  });
});

describe('keys that the upstream has accepted', () => {
  it('are answered on when made-up ones of their address have no points left; new ones wait', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    expect(await world.ask('real-1')).toBe(200);
    for (let time = 0; time < 110; time++) await world.ask(world.madeUp());
    expect(await world.ask(world.madeUp())).toBe(429);
    expect(await world.ask('real-1')).toBe(200);
    expect(await world.ask('real-2')).toBe(429);
    expect(await world.ask('real-2', JOB, '127.0.0.2')).toBe(200);
    expect(await world.ask('real-2')).toBe(200); // Known by now.
  });

  it('are so by what they change, too', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1000' });
    expect(await world.ask('real-1', CANCEL)).toBe(200);
    for (let time = 0; time < 110; time++) await world.ask(world.madeUp());
    expect(await world.ask('real-1')).toBe(200);
    expect(await world.ask('real-2')).toBe(429);
  });

  it('take nothing from those that come after them: many of one address are all answered', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (let caller = 0; caller < 300; caller++) expect(await world.ask(`real-${caller}`)).toBe(200);
    expect((await tell(world.gateway.url, 'real-new')).remaining).toBe(99);
  });

  it('pay what they were let in with from points of their own', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    for (const remaining of [99, 98, 97]) {
      const answered = await tell(world.gateway.url, 'real-1', JOB);
      expect(answered).toEqual({ status: 200, remaining });
    }
  });

  it('are made-up ones again when the upstream refuses them', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '100' });
    expect(await world.ask('real-1')).toBe(200);
    world.upstream.failAll((_: unknown, response: ServerResponse) => answer(response, 401, {}));
    const other = '{ fineTuningJob(id: "ftjob-2") { id } }';
    expect((await tell(world.gateway.url, 'real-1', other)).remaining).toBe(98);
    expect((await tell(world.gateway.url, 'real-1', other)).remaining).toBe(98); // Of the strangers: one has it cost before.
  });

  it('of one address have the points of a few callers together', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '10', CALLERS_PER_ADDRESS: '2' });
    for (let caller = 0; caller < 20; caller++) expect(await world.ask(`real-${caller}`)).toBe(200);
    expect(await world.ask('real-1')).toBe(429);
    expect(await world.ask('real-1', JOB, '127.0.0.2')).toBe(200);
  });

  it('and made-up ones all have points of their own where addresses do not count', async () => {
    await using world = await start({ RATE_LIMIT_PER_MINUTE: '1', CALLERS_PER_ADDRESS: '0' });
    for (let caller = 0; caller < 20; caller++) expect(await world.ask(world.madeUp(), CHEAP)).toBe(200);
    expect([await world.ask('real-1', CHEAP), await world.ask('real-1', CHEAP)]).toEqual([200, 429]);
  });
});

async function tell(url: string, key: string, query = CHEAP) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  await response.text();
  return { status: response.status, remaining: Number(response.headers.get('ratelimit-remaining')) };
}
