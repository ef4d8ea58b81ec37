import fc from 'fast-check';
import { getIntrospectionQuery, Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../../../src/schema/schema.ts';
import { exampleTabs } from '../../../../src/server/graphiql/example-tabs.ts';
import { costOf } from '../../../../src/server/limits/cost.ts';
import { randomQuery } from '../../../kit/isolation/random-query.ts';

const schema = createSchema();

function priceIn(text: string, variables: Record<string, unknown> = {}): number {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('expected an operation');
  return costOf(schema, document, operation, variables);
}

const jobs = (first: number, inner: string) => `{ fineTuningJobs(first: ${first}) { edges { node { id ${inner} } } } }`;
const job = (inner: string) => `{ fineTuningJob(id: "ftjob-1") { id ${inner} } }`;

describe('a query costs', () => {
  it.each([
    ['1, as the least', '{ __typename gateway { version } }', 1],
    ['1 for a job', job('status'), 1],
    ['1 for a page of jobs', jobs(20, 'status'), 1],
    ['3 for 100 jobs, as 201 objects are two points', jobs(100, 'status'), 3],
    ['10 for a scan', '{ fineTuningJobs(filter: {statuses: [FAILED]}) { scannedCount } }', 10],
    ['1 for a page without a filter', '{ fineTuningJobs(filter: null) { scannedCount } }', 1],
    [
      '1 for each page of events and of checkpoints',
      job('events { edges { cursor } } checkpoints { edges { cursor } }'),
      3,
    ],
    ['21 for a curve, beside its job', job('metrics { totalPoints }'), 22],
    ['100 more for 10000 points', job('metrics(maxPoints: 10000) { points { step } }'), 122],
    ['2 for the progress, beside its job', job('progress { step }'), 3],
    ['5 for 4 files, as they come by a list', jobs(4, 'trainingFile { id }'), 6],
    ['3 for 2 models, as they come by a list', jobs(2, 'model { id }'), 4],
    ['25 for 20 files, each with its share in their list', jobs(20, 'trainingFile { id }'), 26],
    ['a preview by its bytes', '{ file(id: "file-1") { preview(maxBytes: 100000) { text } } }', 13],
    ['4 for an id of no known form', '{ node(id: "odd") { id } }', 4],
    ['1 for the id of a job', '{ node(id: "ftjob-1") { id } }', 1],
    ['each of several ids', '{ nodes(ids: ["ftjob-1", "ftjob-2", "odd"]) { id } }', 6],
    ['10 for introspection', getIntrospectionQuery(), 10],
  ])('%s', (_, query, points) => {
    expect(priceIn(query)).toBe(points);
  });

  it('as often as connections inside one another ask', () => {
    const inner = 'events(first: 100) { edges { node { job { checkpoints { edges { cursor } } } } } }';
    expect(priceIn(jobs(10, inner))).toBeGreaterThan(10 * 100);
    expect(priceIn(jobs(10, inner))).toBeLessThan(10 * 100 * 2);
  });

  it('by variables as by values, and by their defaults when they are not given', () => {
    const query = `query ($n: Int = 50, $f: FineTuningJobFilter) {
      fineTuningJobs(first: $n, filter: $f) { edges { node { progress { step } } } } }`;
    const price = (first: number) => priceIn(jobs(first, 'progress { step }'));
    expect(priceIn(query, { n: 7 })).toBe(price(7));
    expect(priceIn(query)).toBe(price(50));
    expect(priceIn(query, { n: null })).toBe(price(20));
    expect(priceIn(query, { n: 7, f: {} })).toBe(price(7) + 9);
    expect(priceIn('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: 'ftjob-1' })).toBe(1);
  });

  it('nothing for what is skipped', () => {
    const query = `query ($yes: Boolean!) { fineTuningJob(id: "1") {
      id progress @include(if: $yes) { step } ... @skip(if: $yes) { metrics { totalPoints } } } }`;
    expect(priceIn(query, { yes: true })).toBe(3);
    expect(priceIn(query, { yes: false })).toBe(22);
  });

  it('the same field once, from however many fragments', () => {
    const query = `{ fineTuningJob(id: "1") { ...A ...B ...A progress { step } } }
      fragment A on FineTuningJob { progress { step } } fragment B on Node { ...A }`;
    expect(priceIn(query)).toBe(3);
  });

  it('what each type would have where it can be any, and nothing for a type that it cannot be', () => {
    const parts = '... on FineTuningJob { progress { step } } ... on File { preview { text } }';
    expect(priceIn(`{ node(id: "ftjob-1") { ${parts} } }`)).toBe(4);
    expect(priceIn(`{ fineTuningJob(id: "1") { ... on Node { ${parts} } } }`)).toBe(3);
  });

  it('no less when a count is out of its bounds, which is refused later', () => {
    const query = 'query ($n: Int) { fineTuningJobs(first: $n) { edges { node { progress { step } } } } }';
    const standard = priceIn(query);
    for (const n of ['x', [5], {}, true]) expect(priceIn(query, { n })).toBe(standard);
    expect(priceIn(query, { n: 1e9 })).toBe(priceIn(query, { n: 100 }));
    expect(priceIn(query, { n: -5 })).toBe(priceIn(query, { n: 1 }));
  });

  it('something whatever stands in the place of ids', () => {
    const query = 'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }';
    for (const odd of [{ toString: 1, valueOf: 1 }, [[[]]], null, 7, true]) {
      expect(priceIn(query, { id: odd, ids: odd })).toBeGreaterThanOrEqual(4);
    }
  });

  it('nothing by a name that objects have of themselves', () => {
    const query = 'query ($constructor: FineTuningJobFilter) { fineTuningJobs(filter: $constructor) { scannedCount } }';
    expect(priceIn(query)).toBe(1);
  });
});

it('the tabs of GraphiQL cost a small part of the most', () => {
  for (const { query } of exampleTabs('ftjob-1')) expect(priceIn(query, { id: 'ftjob-1' })).toBeLessThan(100);
});

describe('any query that fits the schema', () => {
  const choices = fc.array(fc.nat(1000), { minLength: 10, maxLength: 60 });
  const values = {
    id: ['"ftjob-1"', '"odd"'],
    ids: ['["a", "file-1"]'],
    fileId: ['"file-1"'],
    first: ['', '3', '100'],
    maxPoints: ['', '100'],
  };

  it('has a finite price, the same with a fragment as without', () => {
    fc.assert(
      fc.property(choices, (choices) => {
        const text = randomQuery(schema, values, choices, 6);
        const price = priceIn(text);
        expect(price).toBeGreaterThanOrEqual(1);
        expect(price).toBeLessThan(1e15);
        expect(priceIn(`{ ...All } fragment All on Query ${text}`)).toBe(price);
      }),
    );
  });

  it('costs no less together with another than alone', () => {
    fc.assert(
      fc.property(choices, choices, (some, more) => {
        const one = randomQuery(schema, values, some, 5);
        const other = randomQuery(schema, values, more, 5).replace(/\bf(\d+):/g, 'g$1:');
        const both = priceIn(`{ ...A ...B } fragment A on Query ${one} fragment B on Query ${other}`);
        expect(both).toBeGreaterThanOrEqual(Math.max(priceIn(one), priceIn(other)));
      }),
    );
  });
});
