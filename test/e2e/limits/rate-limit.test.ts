import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { tokenFile } from '../../kit/process/token.ts';

// No test waits for the end of a minute: the library uses the system clock.

const CHEAP = { query: '{ gateway { version } }' };
/** Costs 10 points. */
const COSTLY = { query: '{ fineTuningJobs(filter: {statuses: [FAILED]}, first: 1) { scannedCount } }' };

const start = (points: number) => startGateway({ RATE_LIMIT_PER_MINUTE: String(points) });
const rateLimitOf = ({ headers }: { headers: Headers }) =>
  ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`ratelimit-${name}`)));

function expectLimited({ status, headers, body }: Awaited<ReturnType<typeof post>>) {
  const seconds = Number(headers.get('retry-after'));
  expect(status).toBe(429);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(body).toEqual({
    errors: [
      {
        message: expect.stringMatching(
          /^Rate limit: the request costs \d+ points, but \d+ are left in this minute \(RATE_LIMIT_PER_MINUTE \d+\); retry after \d+ seconds\.$/,
        ),
        extensions: { code: 'RATE_LIMITED', retryAfterSeconds: seconds },
      },
    ],
  });
}

describe('a caller', () => {
  it('spends the cost of its queries, and each response has the remaining points', async () => {
    await using gateway = await start(100);
    const first = rateLimitOf(await post(gateway.url, COSTLY));
    expect(first).toEqual([100, 90, expect.any(Number)]);
    expect(first[2]).toBeGreaterThan(0);
    expect(first[2]).toBeLessThanOrEqual(60);
    expect(rateLimitOf(await post(gateway.url, CHEAP))).toEqual([100, 89, expect.any(Number)]);
  });

  it('pays one point for a cached response', async () => {
    await using gateway = await start(100);
    await post(gateway.url, COSTLY);
    const { headers, body } = await post(gateway.url, COSTLY);
    expect([body.errors, headers.get('ratelimit-remaining')]).toEqual([undefined, '89']);
  });

  it('gets 429 with Retry-After when its points are spent', async () => {
    await using gateway = await start(3);
    for (let i = 0; i < 3; i++) expect((await post(gateway.url, CHEAP)).status).toBe(200);
    const rejected = await post(gateway.url, CHEAP);
    expectLimited(rejected);
    expect(rateLimitOf(rejected)).toEqual([3, 0, Number(rejected.headers.get('retry-after'))]);
  });

  it('cannot execute a query above its remaining points, but a smaller one', async () => {
    await using gateway = await start(15);
    await post(gateway.url, COSTLY);
    expectLimited(await post(gateway.url, { ...COSTLY, operationName: null }));
    expect(
      gateway.log.filter(({ msg }) => msg === 'request').map(({ status, upstreamCalls }) => [status, upstreamCalls]),
    ).toEqual([
      [200, expect.any(Number)],
      [429, 0],
    ]);
    const smaller = await post(gateway.url, CHEAP);
    expect([smaller.status, rateLimitOf(smaller)[1]]).toEqual([200, 3]);
  });

  it('pays one point for a rejected request', async () => {
    await using gateway = await start(100);
    for (const body of [
      '{',
      '{}',
      { query: '{' },
      { query: '{ nothing }' },
      { query: `{ ${'a:__typename '.repeat(9)} }`, variables: [] },
    ]) {
      await post(gateway.url, body);
    }
    expect(rateLimitOf(await post(gateway.url, CHEAP))[1]).toBe(94);
  });

  it('cannot execute a query above the points of a whole minute', async () => {
    await using gateway = await start(9);
    const { body } = await post(gateway.url, COSTLY);
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'QUERY_TOO_COMPLEX', limit: 'cost', max: 9, actual: 10 });
  });

  it('is limited by GET as well', async () => {
    await using gateway = await start(1);
    const get = () => fetch(`${gateway.url}?${new URLSearchParams(CHEAP)}`);
    expect([(await get()).status, (await get()).status]).toEqual([200, 429]);
  });

  it('spends no more than its points with many queries at once', async () => {
    await using gateway = await start(50);
    const responses = await Promise.all(Array.from({ length: 80 }, () => post(gateway.url, CHEAP)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(30);
  });
});

describe('callers', () => {
  it('with tokens have their own points, from any address', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'viewer' });
    await using gateway = await startGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file, RATE_LIMIT_PER_MINUTE: '1' });
    const send = (token: string) => post(gateway.url, CHEAP, { authorization: `Bearer ${token}` });
    expect((await send(tokens.ann)).status).toBe(200);
    expectLimited(await send(tokens.ann));
    expect((await send(tokens.bob)).status).toBe(200);
  });

  it('with their own keys have their own points', async () => {
    await using gateway = await startGateway({ AUTH: 'passthrough', UPSTREAM: 'sandbox', RATE_LIMIT_PER_MINUTE: '10' });
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
    const send = (key: string) => post(gateway.url, COSTLY, { authorization: `Bearer ${key}` });
    expect((await send(one)).status).toBe(200);
    expectLimited(await send(one));
    expect((await send(other)).status).toBe(200);
  });

  it('without names are identified by their addresses', async () => {
    await using gateway = await start(1);
    const { port } = new URL(gateway.url);
    const from = (localAddress: string) => statusFrom(localAddress, Number(port));
    expect([await from('127.0.0.1'), await from('127.0.0.1'), await from('127.0.0.2')]).toEqual([200, 429, 200]);
  });

  it('are not limited at other paths than GraphQL', async () => {
    await using gateway = await start(1);
    await post(gateway.url, CHEAP);
    for (const path of ['/health', '/ready']) expect((await fetch(new URL(path, gateway.url))).status).toBe(200);
    expect((await fetch(gateway.url, { headers: { accept: 'text/html' } })).status).toBe(200);
  });
});

it('a setting of 0 turns the rate limit and its headers off', async () => {
  await using gateway = await start(0);
  const responses = await Promise.all(Array.from({ length: 30 }, () => post(gateway.url, COSTLY)));
  expect(responses.every(({ status }) => status === 200)).toBe(true);
  expect([...(responses[0]?.headers.keys() ?? [])].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
});

it('pages of CORS_ORIGINS may read the rate limit headers', async () => {
  await using gateway = await startGateway({ CORS_ORIGINS: 'https://app.example' });
  const { headers } = await post(gateway.url, CHEAP, { origin: 'https://app.example' });
  const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
  for (const name of ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after']) {
    expect(exposed).toContain(name);
  }
});

function statusFrom(localAddress: string, port: number): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = { 'content-type': 'application/json', host: 'localhost' };
  const options = { host: '127.0.0.1', port, path: '/graphql', method: 'POST', localAddress, headers };
  const sent = request(options, (response) => resolve(response.resume().statusCode));
  sent.on('error', reject).end(JSON.stringify(CHEAP));
  return promise;
}
