import { getIntrospectionQuery } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { exampleTabs } from '../../../src/server/graphiql/example-tabs.ts';
import { MAX_BODY_BYTES } from '../../../src/server/http/request-body.ts';
import { BOMBS, CIRCLES, curves, doubling, many, nested } from '../../kit/attack/bombs.ts';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { codeBlocks } from '../../kit/process/readme.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterEach(() => {
  expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A job within an event of a job, and so on: the schema lets one go as deep as one likes. */
const deep = (depth: number) => {
  const way = ['fineTuningJob(id: "ftjob-1")'];
  while (way.length < depth - 1) {
    way.push(...['events(first: 1)', 'edges', 'node', 'job'].slice(0, depth - 1 - way.length));
  }
  return `{ ${way.join(' { ')} { __typename ${'}'.repeat(depth)}`;
};
const typeOf = (depth: number) =>
  `{ __type(name: "Query") ${nested(depth, ['ofType'])} }`.replace('ofType }', 'name }');

/** Asks while another caller is answered. */
async function ask(params: object | string) {
  const [answer, other] = await Promise.all([
    post(gateway.url, params),
    post(gateway.url, { query: '{ gateway { isSandbox } }' }),
  ]);
  expect(other.body).toEqual({ data: { gateway: { isSandbox: true } } });
  return answer;
}

/** Expects one error with this code that names the limit, and no data. */
async function expectRefusal(params: object | string, limit: string, max: number, actual?: number, status = 200) {
  const answer = await ask(params);
  const extensions = { code: 'QUERY_TOO_COMPLEX', limit, max, ...(actual !== undefined && { actual }) };
  const message = expect.stringMatching(new RegExp(`^${limit}: expected at most ${max} `));
  expect(answer.body).toEqual({ errors: [{ message, extensions: expect.objectContaining(extensions) }] });
  expect(answer.status).toBe(status);
  expect(JSON.stringify(answer.body).length).toBeLessThan(400);
}

async function expectAnswer(params: object | string) {
  const { body } = await ask(params);
  expect(body.errors).toBeUndefined();
  expect(body.data).toBeTypeOf('object');
}

describe('a request at the limit is answered, and one past it refused', () => {
  const aliases = (inner: number) =>
    `{ ${many(15, (i) => `a${i}: __typename`)} gateway { ${many(inner, (i) => `b${i}: version`)} } }`;
  const roots = (count: number) => `{ ${many(count, (i) => `a${i}: __typename`)} }`;
  const directives = (count: number) =>
    `{ ${many(count / 2, () => '... @include(if: true) @skip(if: false) { __typename }')} }`;
  const types = (inner: string) => `{ __schema { types { fields { ${inner} } } } }`;

  it.each([
    ['depth', deep(15), deep(16), 15, 16],
    ['aliases', aliases(15), aliases(16), 30, 31],
    ['rootFields', roots(20), roots(21), 20, 21],
    ['directives', directives(50), directives(52), 50, 52],
    ['introspection', types('name'), types('type { fields { name } }'), 2, 3],
    ['introspectionDepth', typeOf(29), typeOf(30), 30, 31],
    ['overlaps', `{ ${many(100, () => '__typename')} }`, `{ ${many(101, () => '__typename')} }`, 100, 101],
    ['cost', curves(2), curves(3), 5000, 6312],
  ])('%s', async (limit, within, past, max, actual) => {
    await expectAnswer({ query: within });
    await expectRefusal({ query: past }, limit, max, actual);
  });

  it('cost, to the point', async () => {
    await using small = await startGateway({ MAX_QUERY_COST: '10' });
    const scan = (first: number) =>
      post(small.url, { query: `{ fineTuningJobs(first: ${first}, filter: {suffix: "x"}) { edges { cursor } } }` });
    expect((await scan(98)).body.errors).toBeUndefined();
    expect((await scan(99)).body.errors?.[0]?.extensions).toMatchObject({ limit: 'cost', max: 10, actual: 11 });
  });

  it('directives in one place', async () => {
    const field = (count: number) => ({ query: `{ __typename ${'@skip(if: false) '.repeat(count)} }` });
    // None may stand twice in one place: GraphQL refuses what is within our own limit.
    const { body } = await ask(field(10));
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
    await expectRefusal(field(11), 'directivesTogether', 10, 11);
  });

  it('tokens', async () => {
    const filled = (tokens: number) => ({
      query: `query ($v: [Int] = [${many(tokens - 15, () => '1')}]) { __typename }`,
    });
    const { body } = await ask(filled(5000));
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' }); // Only: nobody uses it.
    await expectRefusal(filled(5001), 'tokens', 5000);
  });

  it('bytes of variables', async () => {
    const params = (text: string) => ({ query: '{ __typename }', variables: { v: text } });
    await expectAnswer(params('x'.repeat(99_992)));
    await expectRefusal(params('x'.repeat(99_993)), 'variables', 100_000, 100_001, 413);
    await expectRefusal(params('é'.repeat(50_000)), 'variables', 100_000, 100_008, 413);
  });

  it('variables inside one another', async () => {
    const params = (depth: number) =>
      `{"query":"{ __typename }","variables":{"v":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}}`;
    await expectAnswer(params(50));
    await expectRefusal(params(51), 'variablesDepth', 50, undefined, 413);
  });

  it('by GET too, and by its status in the media type that has one', async () => {
    const accept = 'application/graphql-response+json';
    const response = await fetch(`${gateway.url}?${new URLSearchParams({ query: deep(16) })}`, { headers: { accept } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { limit: 'depth' } }] });
  });
});

describe('an attack gets one error, and others are answered meanwhile', () => {
  it.each(BOMBS)('%s', async (_, query, limit, max, actual) => {
    await expectRefusal({ query }, limit, max, actual);
  });

  it('fragments that double the fields of a job where no other limit is on', async () => {
    await using open = await startGateway({ MAX_QUERY_DEPTH: '0', MAX_QUERY_COST: '0' });
    const { body } = await post(open.url, { query: doubling(60) });
    expect(body.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'QUERY_TOO_COMPLEX', limit: 'fields', max: 10_000 },
    ]);
  });

  it.each(CIRCLES)('a fragment that spreads %s, by the rule for that', async (_, query) => {
    const { body } = await ask({ query });
    const message = expect.stringMatching(/^Cannot spread fragment "F\d*" within itself/);
    expect(body.errors).toEqual([
      expect.objectContaining({ message, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
    ]);
    expect(JSON.stringify(body).length).toBeLessThan(30_000);
  });

  it('lists in lists that the parser cannot follow', async () => {
    const { body } = await ask({ query: `{ a(a: ${'['.repeat(1_000_000)}` });
    expect(body.errors?.map(({ extensions }) => extensions['code'])).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('lines by the hundred thousand before its faults', async () => {
    const query = (lines: number) => `${'\n'.repeat(lines - 1)}{ gateway { ${many(200, (i) => `f${i}`)} } }`;
    await expectRefusal({ query: query(500_000) }, 'lines', 5000);
    await expectRefusal({ query: query(5001) }, 'lines', 5000);
    const { body } = await ask({ query: query(5000) });
    expect(body.errors?.map(({ extensions }) => extensions['code'])).toEqual(
      Array(11).fill('GRAPHQL_VALIDATION_FAILED'),
    );
    expect(body.errors?.at(-1)?.message).toMatch(/^Too many validation errors/);
  });

  it('faults without end that repeat a long name, of which few are told, and cut', async () => {
    const { body } = await ask({
      query: `query ${'x'.repeat(900_000)}(${many(200, (i) => `$v${i}: Int`)}) { __typename }`,
    });
    expect(body.errors).toHaveLength(11);
    expect(JSON.stringify(body).length).toBeLessThan(10_000);
  });

  it('a name without end, which is not repeated at length', async () => {
    const { body } = await ask({ query: `{ ${'x'.repeat(900_000)} }` });
    expect(body.errors?.[0]?.message).toMatch(/^Cannot query field "xxx/);
    expect(JSON.stringify(body).length).toBeLessThan(1000);
  });

  it('an unknown name in a long text, in whose place nothing is suggested', async () => {
    const messageOf = async (query: string) => (await ask({ query })).body.errors?.[0]?.message;
    expect(await messageOf('{ gateway { versio } }')).toMatch(/Did you mean "version"/);
    expect(await messageOf(`{ gateway { versio } } # ${'x'.repeat(20_000)}`)).toMatch(
      /^Cannot query field "versio" on type "Gateway"\.$/,
    );
  });

  it.each([
    ['arrays', '['.repeat(500_000) + ']'.repeat(500_000)],
    ['objects', `${'{"a":'.repeat(160_000)}0${'}'.repeat(160_000)}`],
  ])('%s inside one another by the hundred thousand, wherever they stand', async (_, value) => {
    const bodies = [value, `{"query":"{ __typename }","variables":${value}}`, `{"extensions":{"a":${value}}}`];
    for (const sent of bodies) {
      expect(sent.length).toBeLessThan(MAX_BODY_BYTES);
      const { status, body } = await ask(sent);
      const message = 'The body: expected at most 1000 lists and objects inside one another.';
      expect([status, body]).toEqual([400, { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] }]);
    }
  });

  it('extensions of lists inside one another, which nobody looks into, and brackets in texts', async () => {
    const value = '['.repeat(900) + ']'.repeat(900);
    const text = JSON.stringify(`\\"${'[{'.repeat(1000)}`);
    await expectAnswer(
      `{"query":"{ __typename }","extensions":{"a":${value},"b":${text},"c":[${'{},'.repeat(2000)}1]}}`,
    );
  });

  it('1,000,000 arrays that nobody closes', async () => {
    const { status, body } = await ask('['.repeat(1_000_000));
    expect([status, body.errors?.map(({ extensions }) => extensions)]).toEqual([400, [{ code: 'BAD_REQUEST' }]]);
  });

  it('variables by the ten thousand', async () => {
    const variables = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`v${i}`, [[]]]));
    const bytes = JSON.stringify(variables).length;
    await expectRefusal({ query: '{ __typename }', variables }, 'variables', 100_000, bytes, 413);
  });

  it('variables by the names of what all objects have', async () => {
    const query = 'query ($constructor: Int) { fineTuningJobs(first: $constructor) { edges { cursor } } }';
    const own = '"constructor":1,"__proto__":{"constructor":3,"polluted":true}';
    const { body } = await ask(`{"query":${JSON.stringify(query)},"variables":{${own}}}`);
    expect(body).toEqual({ data: { fineTuningJobs: { edges: [{ cursor: expect.any(String) }] } } });
    expect('polluted' in {}).toBe(false);
  });

  it('an array of queries', async () => {
    const { status, body } = await ask(Array.from({ length: 1000 }, () => ({ query: '{ __typename }' })));
    expect([status, body.errors?.map(({ extensions }) => extensions)]).toEqual([400, [{ code: 'BAD_REQUEST' }]]);
  });

  it('a query of 10 MB, which is cut off or refused', async () => {
    const huge = post(gateway.url, { query: `{ __typename } # ${'x'.repeat(10 * MAX_BODY_BYTES)}` });
    const outcome = huge.then(
      ({ status }) => status,
      () => 'cut off',
    );
    await expectAnswer({ query: '{ __typename }' });
    expect([413, 'cut off']).toContain(await outcome);
  });
});

it("what people ask passes: GraphiQL's tabs and introspection, the README's queries", async () => {
  const tabs = exampleTabs('ftjob-1').map(({ query, variables = '{}' }) => ({
    query,
    operationName: /^\w+ (\w+)/m.exec(query)?.[1] ?? '',
    variables: JSON.parse(variables),
  }));
  const isLive = ({ query }: { query: string }) => /^(?:#.*\n)*subscription /.test(query);
  const [queries = ''] = codeBlocks('graphql');
  const block = [{ query: queries, operationName: 'Jobs' }];
  const once = tabs.filter((tab) => !isLive(tab));
  for (const params of [...once, ...block, { query: getIntrospectionQuery() }]) await expectAnswer(params);
  for (const params of tabs.filter(isLive)) {
    await using stream = await openSse(gateway.url, params);
    expect(await stream.result()).not.toHaveProperty('errors');
  }
});

it('a limit of 0 is none, for each setting', async () => {
  const names = ['DEPTH', 'ALIASES', 'TOKENS', 'DIRECTIVES', 'ROOT_FIELDS', 'COST'].map((name) => `MAX_QUERY_${name}`);
  const off = Object.fromEntries(
    [...names, 'MAX_VARIABLES_BYTES', 'MAX_INTROSPECTION_DEPTH'].map((name) => [name, '0']),
  );
  await using open = await startGateway(off);
  const errorsOf = async (query: string, variables = {}) => (await post(open.url, { query, variables })).body.errors;
  const directives = many(30, () => '... @include(if: true) @skip(if: false) { __typename }');
  const large = `{ ${many(2600, (i) => `a${i}: __typename`)} ${directives} }`;
  expect(await errorsOf(large, { v: 'x'.repeat(200_000) })).toBeUndefined();
  expect(await errorsOf(deep(40))).toBeUndefined();
  expect(await errorsOf(curves(3))).toBeUndefined();
  expect(await errorsOf('{ __schema { types { fields { type { fields { name } } } } } }')).toBeUndefined();
});
