import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { post } from '../../kit/client/post.ts';
import { startGateway } from '../../kit/gateway/gateway.ts';
import { tokenFile } from '../../kit/process/token.ts';

// No test waits for a minute to end: the library counts by the machine's own clock.

const CHEAP = { query: '{ gateway { version } }' };
/** Costs 10 points. */
const DEAR = { query: '{ fineTuningJobs(filter: {statuses: [FAILED]}, first: 1) { scannedCount } }' };

const start = (points: number) => startGateway({ RATE_LIMIT_PER_MINUTE: String(points) });
const told = ({ headers }: { headers: Headers }) =>
  ['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`ratelimit-${name}`)));

function expectLimited({ status, headers, body }: Awaited<ReturnType<typeof post>>) {
  const seconds = Number(headers.get('retry-after'));
  expect(status).toBe(429);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(body).toEqual({
    errors: [
      {
        message: expect.stringMatching(/^Rate limit: expected/),
        extensions: { code: 'RATE_LIMITED', retryAfterSeconds: seconds },
      },
    ],
  });
}

describe('a caller', () => {
  it('spends its points by the cost of its queries, and each answer tells what is left', async () => {
    await using gateway = await start(100);
    const first = told(await post(gateway.url, DEAR));
    expect(first).toEqual([100, 90, expect.any(Number)]);
    expect(first[2]).toBeGreaterThan(0);
    expect(first[2]).toBeLessThanOrEqual(60);
    expect(told(await post(gateway.url, CHEAP))).toEqual([100, 89, expect.any(Number)]);
  });

  it('pays a point for a whole answer that was kept', async () => {
    await using gateway = await start(100);
    await post(gateway.url, DEAR);
    const { headers, body } = await post(gateway.url, DEAR);
    expect([body.errors, headers.get('ratelimit-remaining')]).toEqual([undefined, '89']);
  });

  it('is answered until the points are spent, and then gets 429 with the time to wait', async () => {
    await using gateway = await start(3);
    for (let i = 0; i < 3; i++) expect((await post(gateway.url, CHEAP)).status).toBe(200);
    const refused = await post(gateway.url, CHEAP);
    expectLimited(refused);
    expect(told(refused)).toEqual([3, 0, Number(refused.headers.get('retry-after'))]);
  });

  it('who cannot pay for a query is refused before it runs, and can pay for smaller ones', async () => {
    await using gateway = await start(15);
    await post(gateway.url, DEAR);
    expectLimited(await post(gateway.url, { ...DEAR, operationName: null }));
    expect(
      gateway.log.filter(({ msg }) => msg === 'request').map(({ status, upstreamCalls }) => [status, upstreamCalls]),
    ).toEqual([
      [200, expect.any(Number)],
      [429, 0],
    ]);
    const answer = await post(gateway.url, CHEAP);
    expect([answer.status, told(answer)[1]]).toEqual([200, 3]);
  });

  it('pays a point for what is refused', async () => {
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
    expect(told(await post(gateway.url, CHEAP))[1]).toBe(94);
  });

  it('may ask for no query that its minute could not pay', async () => {
    await using gateway = await start(9);
    const { body } = await post(gateway.url, DEAR);
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'QUERY_TOO_COMPLEX', limit: 'cost', max: 9, actual: 10 });
  });

  it('is limited by GET as well', async () => {
    await using gateway = await start(1);
    const get = () => fetch(`${gateway.url}?${new URLSearchParams(CHEAP)}`);
    expect([(await get()).status, (await get()).status]).toEqual([200, 429]);
  });

  it('gets the points that are there, and no more, with many queries at once', async () => {
    await using gateway = await start(50);
    const answers = await Promise.all(Array.from({ length: 80 }, () => post(gateway.url, CHEAP)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });
});

describe('callers', () => {
  it('with tokens spend points of their own, wherever they come from', async () => {
    const { file, tokens } = tokenFile({ ann: 'viewer', bob: 'viewer' });
    await using gateway = await startGateway({ AUTH: 'tokens', AUTH_TOKENS_FILE: file, RATE_LIMIT_PER_MINUTE: '1' });
    const ask = (token: string) => post(gateway.url, CHEAP, { authorization: `Bearer ${token}` });
    expect((await ask(tokens.ann)).status).toBe(200);
    expectLimited(await ask(tokens.ann));
    expect((await ask(tokens.bob)).status).toBe(200);
  });

  it('with credentials of their own spend points of their own', async () => {
    await using gateway = await startGateway({ AUTH: 'passthrough', UPSTREAM: 'sandbox', RATE_LIMIT_PER_MINUTE: '10' });
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()];
    const ask = (key: string) => post(gateway.url, DEAR, { authorization: `Bearer ${key}` });
    expect((await ask(one)).status).toBe(200);
    expectLimited(await ask(one));
    expect((await ask(other)).status).toBe(200);
  });

  it('without names are told apart by their addresses', async () => {
    await using gateway = await start(1);
    const { port } = new URL(gateway.url);
    const from = (localAddress: string) => statusFrom(localAddress, Number(port));
    expect([await from('127.0.0.1'), await from('127.0.0.1'), await from('127.0.0.2')]).toEqual([200, 429, 200]);
  });

  it('are not limited at the pages beside GraphQL', async () => {
    await using gateway = await start(1);
    await post(gateway.url, CHEAP);
    for (const path of ['/health', '/ready']) expect((await fetch(new URL(path, gateway.url))).status).toBe(200);
    expect((await fetch(gateway.url, { headers: { accept: 'text/html' } })).status).toBe(200);
  });
});

it('with 0 nobody is limited, and nothing is told', async () => {
  await using gateway = await start(0);
  const answers = await Promise.all(Array.from({ length: 30 }, () => post(gateway.url, DEAR)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect([...(answers[0]?.headers.keys() ?? [])].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
});

it('pages of other origins may read what is left', async () => {
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
  const asked = request(options, (response) => resolve(response.resume().statusCode));
  asked.on('error', reject).end(JSON.stringify(CHEAP));
  return promise;
}
