import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const many = (count: number, write: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join(' ');

/** The extensions of the only error of a response without data. */
async function errorExtensionsOf(gateway: TestGateway, query: string, variables?: Record<string, unknown>) {
  const { data, errors } = await gateway.query(query, variables);
  expect(data).toBeUndefined();
  expect(errors).toHaveLength(1);
  return errors?.[0]?.extensions;
}

/** `job` and `events` alternate: six nested fields per round. */
const deep = (rounds: number) =>
  `{ fineTuningJob(id: "ftjob-1") ${'{ events(first: 1) { edges { node { job '.repeat(rounds)}{ id }${' } } } }'.repeat(rounds)} }`;

describe('a request above a limit', () => {
  it.each([
    ['depth', deep(4)],
    ['aliases', `{ gateway { ${many(31, (i) => `a${i}: version`)} } }`],
    ['tokens', `{ gateway { ${'version '.repeat(5001)} } }`],
    ['rootFields', `{ ${many(21, (i) => `gateway${i}: gateway { version }`)} }`],
    ['directives', `{ gateway { ${many(51, () => 'version @include(if: true)')} } }`],
    ['introspection', '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }'],
    [
      'cost',
      '{ fineTuningJobs(first: 100) { edges { node { metrics { totalPoints } events { edges { node { job { metrics { totalPoints } } } } } } } } }',
    ],
  ])('gets one error with the name of the limit, and is not executed: %s', async (limit, query) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, MAX_QUERY_ALIASES: '30' });
    expect(await errorExtensionsOf(gateway, query)).toMatchObject({ code: 'QUERY_TOO_COMPLEX', limit });
    expect(upstream.calls).toEqual([]);
  });

  it('is rejected for the bytes and the depth of its variables', async () => {
    await using gateway = await startGateway();
    const query = 'query ($id: ID!) { fineTuningJob(id: $id) { id } }';
    expect(await errorExtensionsOf(gateway, query, { id: 'x'.repeat(100_001) })).toMatchObject({ limit: 'variables' });
    const deepValue = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`);
    expect(await errorExtensionsOf(gateway, query, { id: deepValue })).toMatchObject({ limit: 'variablesDepth' });
  });

  it('with doubling or circular fragments is rejected, while other queries get data', async () => {
    await using gateway = await startGateway();
    const doubling = `{ ...f0 } ${many(20, (i) => `fragment f${i} on Query { a${i}: gateway { version } ...f${i + 1} ...f${i + 1} }`)} fragment f20 on Query { gateway { version } }`;
    const circular = '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }';
    const [doublingResult, circularResult, validResult] = await Promise.all([
      gateway.query(doubling),
      gateway.query(circular),
      gateway.query('{ gateway { version } }'),
    ]);
    expect(doublingResult.errors?.[0]?.extensions['code']).toMatch(/QUERY_TOO_COMPLEX|GRAPHQL_VALIDATION_FAILED/);
    expect(circularResult.errors).toHaveLength(1);
    expect(validResult.errors).toBeUndefined();
  });

  it('is executed when the limit is off', async () => {
    await using gateway = await startGateway({ MAX_QUERY_ALIASES: '0' });
    const { errors } = await gateway.query(`{ gateway { ${many(31, (i) => `a${i}: version`)} } }`);
    expect(errors).toBeUndefined();
  });
});

describe('the points of a query', () => {
  it('are returned on request', async () => {
    await using world = await startWorld();
    world.upstream.onJobs([jobBody({ id: 'ftjob-1' })]);
    const response = await fetch(world.gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ fineTuningJobs(first: 10, filter: { suffix: "x" }) { scannedCount } }',
        extensions: { cost: true },
      }),
    });
    expect(await response.json()).toMatchObject({ extensions: { cost: { requested: 10, max: 5000 } } });
  });

  it('are subtracted from those of the caller in a minute, and without points there is 429 with Retry-After', async () => {
    await using gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '2' });
    const send = () =>
      fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ gateway { version } }' }),
      });
    const first = await send();
    expect(first.headers.get('ratelimit-remaining')).toBe('1');
    await send();
    const third = await send();
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await third.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
  });
});
