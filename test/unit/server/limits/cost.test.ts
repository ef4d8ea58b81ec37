import fc from 'fast-check';
import { getIntrospectionQuery, Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../../../src/schema/schema.ts';
import { readExampleTabs } from '../../../../src/server/graphiql/example-tabs.ts';
import { estimateCost } from '../../../../src/server/limits/cost.ts';
import { randomQuery } from '../../../kit/isolation/random-query.ts';

const schema = createSchema();

function costIn(text: string, variables: Record<string, unknown> = {}): number {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('the document has no operation');
  return estimateCost(schema, document, operation, variables);
}

const jobs = (first: number, inner: string) => `{ fineTuningJobs(first: ${first}) { edges { node { id ${inner} } } } }`;
const job = (inner: string) => `{ fineTuningJob(id: "ftjob-1") { id ${inner} } }`;

describe('the cost of a query in points', () => {
  it.each([
    ['is 1 at least', '{ __typename gateway { version } }', 1],
    ['is 1 for a job', job('status'), 1],
    ['is 1 for a page of jobs', jobs(20, 'status'), 1],
    ['is 3 for 100 jobs: 201 objects are two points', jobs(100, 'status'), 3],
    ['is 10 for a filtered scan', '{ fineTuningJobs(filter: {statuses: [FAILED]}) { scannedCount } }', 10],
    ['is 1 for a page without a filter', '{ fineTuningJobs(filter: null) { scannedCount } }', 1],
    [
      'includes 1 for each page of events and of checkpoints',
      job('events { edges { cursor } } checkpoints { edges { cursor } }'),
      3,
    ],
    ['includes 21 for a loss curve', job('metrics { totalPoints }'), 22],
    ['includes 100 for 10000 points of a curve', job('metrics(maxPoints: 10000) { points { step } }'), 122],
    ['includes 2 for the progress', job('progress { step }'), 3],
    ['includes 5 for 4 files, which can take a list call', jobs(4, 'trainingFile { id }'), 6],
    ['includes 3 for 2 models, which can take a list call', jobs(2, 'model { id }'), 4],
    ['includes 25 for 20 files, each with a share of list calls', jobs(20, 'trainingFile { id }'), 26],
    ['depends on the bytes of a preview', '{ file(id: "file-1") { preview(maxBytes: 100000) { text } } }', 13],
    ['is 4 for an id of unknown format', '{ node(id: "odd") { id } }', 4],
    ['is 1 for the id of a job', '{ node(id: "ftjob-1") { id } }', 1],
    ['is the sum over several ids', '{ nodes(ids: ["ftjob-1", "ftjob-2", "odd"]) { id } }', 6],
    ['is 10 for introspection', getIntrospectionQuery(), 10],
  ])('%s', (_, query, points) => {
    expect(costIn(query)).toBe(points);
  });

  it('multiplies by the sizes of nested connections', () => {
    const inner = 'events(first: 100) { edges { node { job { checkpoints { edges { cursor } } } } } }';
    expect(costIn(jobs(10, inner))).toBeGreaterThan(10 * 100);
    expect(costIn(jobs(10, inner))).toBeLessThan(10 * 100 * 2);
  });

  it('is equal for variables and literal values, and uses the defaults of variables', () => {
    const query = `query ($n: Int = 50, $f: FineTuningJobFilter) {
      fineTuningJobs(first: $n, filter: $f) { edges { node { progress { step } } } } }`;
    const costOfPage = (first: number) => costIn(jobs(first, 'progress { step }'));
    expect(costIn(query, { n: 7 })).toBe(costOfPage(7));
    expect(costIn(query)).toBe(costOfPage(50));
    expect(costIn(query, { n: null })).toBe(costOfPage(20));
    expect(costIn(query, { n: 7, f: {} })).toBe(costOfPage(7) + 9);
    expect(costIn('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: 'ftjob-1' })).toBe(1);
  });

  it('excludes skipped fields', () => {
    const query = `query ($yes: Boolean!) { fineTuningJob(id: "1") {
      id progress @include(if: $yes) { step } ... @skip(if: $yes) { metrics { totalPoints } } } }`;
    expect(costIn(query, { yes: true })).toBe(3);
    expect(costIn(query, { yes: false })).toBe(22);
  });

  it('counts a field once, though several fragments select it', () => {
    const query = `{ fineTuningJob(id: "1") { ...A ...B ...A progress { step } } }
      fragment A on FineTuningJob { progress { step } } fragment B on Node { ...A }`;
    expect(costIn(query)).toBe(3);
  });

  it('adds the costs of all possible types, and none of an impossible type', () => {
    const parts = '... on FineTuningJob { progress { step } } ... on File { preview { text } }';
    expect(costIn(`{ node(id: "ftjob-1") { ${parts} } }`)).toBe(4);
    expect(costIn(`{ fineTuningJob(id: "1") { ... on Node { ${parts} } } }`)).toBe(3);
  });

  it('is not lower for a count out of bounds, which execution rejects', () => {
    const query = 'query ($n: Int) { fineTuningJobs(first: $n) { edges { node { progress { step } } } } }';
    const standard = costIn(query);
    for (const n of ['x', [5], {}, true]) expect(costIn(query, { n })).toBe(standard);
    expect(costIn(query, { n: 1e9 })).toBe(costIn(query, { n: 100 }));
    expect(costIn(query, { n: -5 })).toBe(costIn(query, { n: 1 }));
  });

  it('is positive for any value in the place of ids', () => {
    const query = 'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }';
    for (const odd of [{ toString: 1, valueOf: 1 }, [[[]]], null, 7, true]) {
      expect(costIn(query, { id: odd, ids: odd })).toBeGreaterThanOrEqual(4);
    }
  });

  it('ignores variables named like inherited members of objects', () => {
    const query = 'query ($constructor: FineTuningJobFilter) { fineTuningJobs(filter: $constructor) { scannedCount } }';
    expect(costIn(query)).toBe(1);
  });
});

it("GraphiQL's example tabs cost a small part of the limit", async () => {
  const tabs = await readExampleTabs({ jobId: 'ftjob-1', fileId: 'file-1' });
  expect(tabs).toHaveLength(6);
  for (const { query } of tabs) expect(costIn(query, { id: 'ftjob-1' })).toBeLessThan(100);
});

describe('any valid query', () => {
  const choices = fc.array(fc.nat(1000), { minLength: 10, maxLength: 60 });
  const values = {
    id: ['"ftjob-1"', '"odd"'],
    ids: ['["a", "file-1"]'],
    fileId: ['"file-1"'],
    first: ['', '3', '100'],
    maxPoints: ['', '100'],
  };

  it('has a finite cost, which is equal with and without a fragment', () => {
    fc.assert(
      fc.property(choices, (choices) => {
        const text = randomQuery(schema, values, choices, 6);
        const cost = costIn(text);
        expect(cost).toBeGreaterThanOrEqual(1);
        expect(cost).toBeLessThan(1e15);
        expect(costIn(`{ ...All } fragment All on Query ${text}`)).toBe(cost);
      }),
    );
  });

  it('costs no less in combination with another query', () => {
    fc.assert(
      fc.property(choices, choices, (some, more) => {
        const one = randomQuery(schema, values, some, 5);
        const other = randomQuery(schema, values, more, 5).replace(/\bf(\d+):/g, 'g$1:');
        const both = costIn(`{ ...A ...B } fragment A on Query ${one} fragment B on Query ${other}`);
        expect(both).toBeGreaterThanOrEqual(Math.max(costIn(one), costIn(other)));
      }),
    );
  });
});
