import { getIntrospectionQuery } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readExampleTabs } from '../../../src/server/graphiql/example-tabs.ts';
import { MAX_BODY_BYTES } from '../../../src/server/http/request-body.ts';
import { BOMBS, CIRCLES, curves, doubling, many, nested } from '../../kit/attack/bombs.ts';
import { post } from '../../kit/client/post.ts';
import { openSse } from '../../kit/client/sse.ts';
import { startGateway, type TestGateway } from '../../kit/gateway/gateway.ts';
import { exampleDocuments } from '../../kit/process/documents.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterEach(() => {
  expect(gateway.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A query of any depth: a job within an event of a job, and so on. */
const deep = (depth: number) => {
  const path = ['fineTuningJob(id: "ftjob-1")'];
  while (path.length < depth - 1) {
    path.push(...['events(first: 1)', 'edges', 'node', 'job'].slice(0, depth - 1 - path.length));
  }
  return `{ ${path.join(' { ')} { __typename ${'}'.repeat(depth)}`;
};
const typeOf = (depth: number) =>
  `{ __type(name: "Query") ${nested(depth, ['ofType'])} }`.replace('ofType }', 'name }');

/** Sends a request while another caller gets a response. */
async function send(params: object | string) {
  const [response, other] = await Promise.all([
    post(gateway.url, params),
    post(gateway.url, { query: '{ gateway { isSandbox } }' }),
  ]);
  expect(other.body).toEqual({ data: { gateway: { isSandbox: true } } });
  return response;
}

/** Expects one QUERY_TOO_COMPLEX error that names the limit, and no data. */
async function expectViolation(params: object | string, limit: string, max: number, actual?: number, status = 200) {
  const response = await send(params);
  const extensions = { code: 'QUERY_TOO_COMPLEX', limit, max, ...(actual !== undefined && { actual }) };
  const subject = actual === undefined ? '(\\d+ )?' : `${actual} `; // Unknown where it is a lower bound.
  const message = expect.stringMatching(
    new RegExp(
      `^${limit}: ${subject}exceeds the limit of ${max} .+ \\(([A-Z_]{8,}|the lower of [A-Z_]+ and [A-Z_]+|fixed)\\)\\.$`,
    ),
  );
  expect(response.body).toEqual({ errors: [{ message, extensions: expect.objectContaining(extensions) }] });
  expect(response.status).toBe(status);
  expect(JSON.stringify(response.body).length).toBeLessThan(400);
}

async function expectData(params: object | string) {
  const { body } = await send(params);
  expect(body.errors).toBeUndefined();
  expect(body.data).toBeTypeOf('object');
}

describe('a request at the limit is executed, and one above it is rejected', () => {
  const aliases = (inner: number) =>
    `{ ${many(15, (i) => `a${i}: __typename`)} gateway { ${many(inner, (i) => `b${i}: version`)} } }`;
  const roots = (count: number) => `{ ${many(count, (i) => `a${i}: __typename`)} }`;
  const directives = (count: number) =>
    `{ ${many(count / 2, () => '... @include(if: true) @skip(if: false) { __typename }')} }`;
  const typesOf = (inner: string) => `{ __schema { types { fields { ${inner} } } } }`;

  it.each([
    ['depth', deep(15), deep(16), 15, 16],
    ['aliases', aliases(15), aliases(16), 30, 31],
    ['rootFields', roots(20), roots(21), 20, 21],
    ['directives', directives(50), directives(52), 50, 52],
    ['introspection', typesOf('name'), typesOf('type { fields { name } }'), 2, 3],
    ['introspectionDepth', typeOf(29), typeOf(30), 30, 31],
    ['overlaps', `{ ${many(100, () => '__typename')} }`, `{ ${many(101, () => '__typename')} }`, 100, 101],
    ['cost', curves(2), curves(3), 5000, 6312],
  ])('%s', async (limit, within, above, max, actual) => {
    await expectData({ query: within });
    await expectViolation({ query: above }, limit, max, actual);
  });

  it('cost, exact to one point', async () => {
    await using small = await startGateway({ MAX_QUERY_COST: '10' });
    const scan = (first: number) =>
      post(small.url, { query: `{ fineTuningJobs(first: ${first}, filter: {suffix: "x"}) { edges { cursor } } }` });
    expect((await scan(98)).body.errors).toBeUndefined();
    expect((await scan(99)).body.errors?.[0]?.extensions).toMatchObject({ limit: 'cost', max: 10, actual: 11 });
  });

  it('directives at one location', async () => {
    const field = (count: number) => ({ query: `{ __typename ${'@skip(if: false) '.repeat(count)} }` });
    // GraphQL itself rejects a repeated directive below the limit.
    const { body } = await send(field(10));
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' });
    await expectViolation(field(11), 'directivesTogether', 10, 11);
  });

  it('tokens', async () => {
    const filled = (tokens: number) => ({
      query: `query ($v: [Int] = [${many(tokens - 15, () => '1')}]) { __typename }`,
    });
    const { body } = await send(filled(5000));
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'GRAPHQL_VALIDATION_FAILED' }); // The variable is unused.
    await expectViolation(filled(5001), 'tokens', 5000);
  });

  it('bytes of variables', async () => {
    const params = (text: string) => ({ query: '{ __typename }', variables: { v: text } });
    await expectData(params('x'.repeat(99_992)));
    await expectViolation(params('x'.repeat(99_993)), 'variables', 100_000, 100_001, 413);
    await expectViolation(params('é'.repeat(50_000)), 'variables', 100_000, 100_008, 413);
  });

  it('nesting of variables', async () => {
    const params = (depth: number) =>
      `{"query":"{ __typename }","variables":{"v":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}}`;
    await expectData(params(50));
    await expectViolation(params(51), 'variablesDepth', 50, undefined, 413);
  });

  it('also by GET, with status 400 in the media type that has it', async () => {
    const accept = 'application/graphql-response+json';
    const response = await fetch(`${gateway.url}?${new URLSearchParams({ query: deep(16) })}`, { headers: { accept } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { limit: 'depth' } }] });
  });
});

describe('an attack gets one error, and other callers get responses meanwhile', () => {
  it.each(BOMBS)('%s', async (_, query, limit, max, actual) => {
    await expectViolation({ query }, limit, max, actual);
  });

  it('fragments that double the fields of a job, without any other limit', async () => {
    await using open = await startGateway({ MAX_QUERY_DEPTH: '0', MAX_QUERY_COST: '0' });
    const { body } = await post(open.url, { query: doubling(60) });
    expect(body.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'QUERY_TOO_COMPLEX', limit: 'fields', max: 10_000 },
    ]);
  });

  it.each(CIRCLES)('a fragment that spreads %s, as a validation error', async (_, query) => {
    const { body } = await send({ query });
    const message = expect.stringMatching(/^Cannot spread fragment "F\d*" within itself/);
    expect(body.errors).toEqual([
      expect.objectContaining({ message, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
    ]);
    expect(JSON.stringify(body).length).toBeLessThan(30_000);
  });

  it('nested lists that exhaust the stack of the parser', async () => {
    const { body } = await send({ query: `{ a(a: ${'['.repeat(1_000_000)}` });
    expect(body.errors?.map(({ extensions }) => extensions['code'])).toEqual(['QUERY_TOO_COMPLEX']);
  });

  it('hundreds of thousands of lines before invalid fields', async () => {
    const query = (lines: number) => `${'\n'.repeat(lines - 1)}{ gateway { ${many(200, (i) => `f${i}`)} } }`;
    await expectViolation({ query: query(500_000) }, 'lines', 5000);
    await expectViolation({ query: query(5001) }, 'lines', 5000);
    const { body } = await send({ query: query(5000) });
    expect(body.errors?.map(({ extensions }) => extensions['code'])).toEqual(
      Array(11).fill('GRAPHQL_VALIDATION_FAILED'),
    );
    expect(body.errors?.at(-1)?.message).toMatch(/^Too many validation errors/);
  });

  it('hundreds of errors with a long name, of which ten are reported and truncated', async () => {
    const { body } = await send({
      query: `query ${'x'.repeat(900_000)}(${many(200, (i) => `$v${i}: Int`)}) { __typename }`,
    });
    expect(body.errors).toHaveLength(11);
    expect(JSON.stringify(body).length).toBeLessThan(10_000);
  });

  it('a name of 900,000 characters, which is truncated in the message', async () => {
    const { body } = await send({ query: `{ ${'x'.repeat(900_000)} }` });
    expect(body.errors?.[0]?.message).toMatch(/^Cannot query field "xxx/);
    expect(JSON.stringify(body).length).toBeLessThan(1000);
  });

  it('an unknown name in a long document, whose error suggests no similar name', async () => {
    const messageOf = async (query: string) => (await send({ query })).body.errors?.[0]?.message;
    expect(await messageOf('{ gateway { versio } }')).toMatch(/Did you mean "version"/);
    expect(await messageOf(`{ gateway { versio } } # ${'x'.repeat(20_000)}`)).toMatch(
      /^Cannot query field "versio" on type "Gateway"\.$/,
    );
  });

  it.each([
    ['arrays', '['.repeat(500_000) + ']'.repeat(500_000)],
    ['objects', `${'{"a":'.repeat(160_000)}0${'}'.repeat(160_000)}`],
  ])('hundreds of thousands of nested %s, at any place', async (_, value) => {
    const bodies = [value, `{"query":"{ __typename }","variables":${value}}`, `{"extensions":{"a":${value}}}`];
    for (const text of bodies) {
      expect(text.length).toBeLessThan(MAX_BODY_BYTES);
      const { status, body } = await send(text);
      const message = 'Body: exceeds the limit of 1000 nested lists and objects.';
      expect([status, body]).toEqual([400, { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] }]);
    }
  });

  it.each(['variables', 'extensions'])('nested arrays in %s of a GET', async (name) => {
    const value = `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`;
    const response = await fetch(`${gateway.url}?${new URLSearchParams({ query: '{ __typename }' })}&${name}=${value}`);
    const message = `${name}: exceeds the limit of 1000 nested lists and objects.`;
    expect([response.status, await response.json()]).toEqual([
      400,
      { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] },
    ]);
  });

  it('nested lists in extensions below the limit, and brackets in strings, which are accepted', async () => {
    const value = '['.repeat(900) + ']'.repeat(900);
    const text = JSON.stringify(`\\"${'[{'.repeat(1000)}`);
    await expectData(`{"query":"{ __typename }","extensions":{"a":${value},"b":${text},"c":[${'{},'.repeat(2000)}1]}}`);
  });

  it('1,000,000 unclosed arrays', async () => {
    const { status, body } = await send('['.repeat(1_000_000));
    expect([status, body.errors?.map(({ extensions }) => extensions)]).toEqual([400, [{ code: 'BAD_REQUEST' }]]);
  });

  it('tens of thousands of variables', async () => {
    const variables = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`v${i}`, [[]]]));
    const bytes = JSON.stringify(variables).length;
    await expectViolation({ query: '{ __typename }', variables }, 'variables', 100_000, bytes, 413);
  });

  it('variables named like inherited members of objects', async () => {
    const query = 'query ($constructor: Int) { fineTuningJobs(first: $constructor) { edges { cursor } } }';
    const own = '"constructor":1,"__proto__":{"constructor":3,"polluted":true}';
    const { body } = await send(`{"query":${JSON.stringify(query)},"variables":{${own}}}`);
    expect(body).toEqual({ data: { fineTuningJobs: { edges: [{ cursor: expect.any(String) }] } } });
    expect('polluted' in {}).toBe(false);
  });

  it('a batch of 1000 queries', async () => {
    const { status, body } = await send(Array.from({ length: 1000 }, () => ({ query: '{ __typename }' })));
    expect([status, body.errors?.map(({ extensions }) => extensions)]).toEqual([400, [{ code: 'BAD_REQUEST' }]]);
  });

  it('a query of 10 MB, whose connection is closed or which is rejected', async () => {
    const huge = post(gateway.url, { query: `{ __typename } # ${'x'.repeat(10 * MAX_BODY_BYTES)}` });
    const outcome = huge.then(
      ({ status }) => status,
      () => 'closed',
    );
    await expectData({ query: '{ __typename }' });
    expect([413, 'closed']).toContain(await outcome);
  });
});

it("GraphiQL's tabs and introspection and the README's queries are within all limits", async () => {
  const examples = await readExampleTabs({ jobId: 'ftjob-1', fileId: 'file-1' });
  const tabs = examples.map(({ query, variables = '{}' }) => ({
    query,
    operationName: /^\w+ (\w+)/m.exec(query)?.[1] ?? '',
    variables: JSON.parse(variables),
  }));
  const isLive = ({ query }: { query: string }) => /^(?:#.*\n)*subscription /.test(query);
  const [queries = ''] = exampleDocuments();
  const block = [{ query: queries, operationName: 'FailedJobs' }];
  const once = tabs.filter((tab) => !isLive(tab));
  for (const params of [...once, ...block, { query: getIntrospectionQuery() }]) await expectData(params);
  for (const params of tabs.filter(isLive)) {
    await using stream = await openSse(gateway.url, params);
    expect(await stream.result()).not.toHaveProperty('errors');
  }
});

it('a setting of 0 turns its limit off', async () => {
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
