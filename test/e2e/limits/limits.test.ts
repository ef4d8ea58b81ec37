import { describe, expect, it } from 'vitest';
import { jobBody } from '../../kit/bodies/job.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { startUpstream } from '../../kit/gateway/upstream.ts';
import { startWorld } from '../../kit/gateway/world.ts';

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => make(i)).join(' ');

/** The only error of an answer that has no data. */
async function refusalOf(gateway: TestGateway, query: string, variables?: Record<string, unknown>) {
  const { data, errors } = await gateway.query(query, variables);
  expect(data).toBeUndefined();
  expect(errors).toHaveLength(1);
  return errors?.[0]?.extensions;
}

/** `job` and `events` take turns: six fields for each round. */
const deep = (rounds: number) =>
  `{ fineTuningJob(id: "ftjob-1") ${'{ events(first: 1) { edges { node { job '.repeat(rounds)}{ id }${' } } } }'.repeat(rounds)} }`;

describe('a request that asks for too much', () => {
  it.each([
    ['depth', deep(4)],
    ['aliases', `{ gateway { ${times(31, (i) => `a${i}: version`)} } }`],
    ['tokens', `{ gateway { ${'version '.repeat(5001)} } }`],
    ['rootFields', `{ ${times(21, (i) => `gateway${i}: gateway { version }`)} }`],
    ['directives', `{ gateway { ${times(51, () => 'version @include(if: true)')} } }`],
    ['introspection', '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }'],
    [
      'cost',
      '{ fineTuningJobs(first: 100) { edges { node { metrics { totalPoints } events { edges { node { job { metrics { totalPoints } } } } } } } } }',
    ],
  ])('is one error that names its limit, and executes nothing: %s', async (limit, query) => {
    await using upstream = await startUpstream();
    await using gateway = await startGateway({ OPENAI_BASE_URL: upstream.baseUrl, MAX_QUERY_ALIASES: '30' });
    expect(await refusalOf(gateway, query)).toMatchObject({ code: 'QUERY_TOO_COMPLEX', limit });
    expect(upstream.calls).toEqual([]);
  });

  it('is told for variables by their bytes and by their depth', async () => {
    await using gateway = await startGateway();
    const query = 'query ($id: ID!) { fineTuningJob(id: $id) { id } }';
    expect(await refusalOf(gateway, query, { id: 'x'.repeat(100_001) })).toMatchObject({ limit: 'variables' });
    const deepValue = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`);
    expect(await refusalOf(gateway, query, { id: deepValue })).toMatchObject({ limit: 'variablesDepth' });
  });

  it('survives fragments that spread one another without end, and others are answered meanwhile', async () => {
    await using gateway = await startGateway();
    const bomb = `{ ...f0 } ${times(20, (i) => `fragment f${i} on Query { a${i}: gateway { version } ...f${i + 1} ...f${i + 1} }`)} fragment f20 on Query { gateway { version } }`;
    const circle = '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }';
    const [refused, circular, fine] = await Promise.all([
      gateway.query(bomb),
      gateway.query(circle),
      gateway.query('{ gateway { version } }'),
    ]);
    expect(refused.errors?.[0]?.extensions['code']).toMatch(/QUERY_TOO_COMPLEX|GRAPHQL_VALIDATION_FAILED/);
    expect(circular.errors).toHaveLength(1);
    expect(fine.errors).toBeUndefined();
  });

  it('is answered where the limit is off', async () => {
    await using gateway = await startGateway({ MAX_QUERY_ALIASES: '0' });
    const { errors } = await gateway.query(`{ gateway { ${times(31, (i) => `a${i}: version`)} } }`);
    expect(errors).toBeUndefined();
  });
});

describe('the points of a query', () => {
  it('are told to who asks for them', async () => {
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

  it('come off what a caller may spend in a minute, and past it there is 429 with a time', async () => {
    await using gateway = await startGateway({ RATE_LIMIT_PER_MINUTE: '2' });
    const ask = () =>
      fetch(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ gateway { version } }' }),
      });
    const first = await ask();
    expect(first.headers.get('ratelimit-remaining')).toBe('1');
    await ask();
    const third = await ask();
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await third.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
  });
});
