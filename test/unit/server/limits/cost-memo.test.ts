import fc from 'fast-check';
import { getOperationAST, parse } from 'graphql';
import { expect, it } from 'vitest';
import { createSchema } from '../../../../src/schema/schema.ts';
import { estimateCost } from '../../../../src/server/limits/cost.ts';
import { createCostMemo } from '../../../../src/server/limits/cost-memo.ts';
import { randomQuery } from '../../../kit/isolation/random-query.ts';

const schema = createSchema();

const VALUES = {
  id: ['$id', '"odd"'],
  ids: ['$ids', '[$id, "file-1"]'],
  first: ['', '$first', '$second'],
  maxPoints: ['', '$second'],
  maxBytes: ['', '$second'],
  filter: ['', '$filter', '{suffixContains: $id}'],
};

const variables = fc.record(
  {
    id: fc.constantFrom('ftjob-1', 'file-1', 'odd', 'x'.repeat(200), null, 5),
    ids: fc.constantFrom(['ftjob-1'], ['ftjob-1', 'odd'], 'odd'),
    first: fc.constantFrom(null, 1, 50, 100, 'many'),
    second: fc.constantFrom(null, 2, 70, 5000),
    filter: fc.constantFrom(null, {}, { statuses: [] }),
    yes: fc.boolean(),
  },
  { requiredKeys: [] },
);

it('a stored cost is the estimate, whatever the variables were before: property', () => {
  const choices = fc.array(fc.nat(1000), { minLength: 10, maxLength: 60 });
  fc.assert(
    fc.property(choices, fc.array(variables, { minLength: 10, maxLength: 30 }), (choices, requests) => {
      const query = randomQuery(schema, VALUES, choices, 5);
      const document = parse(
        `query ($id: ID, $ids: [ID!], $first: Int = 3, $second: Int, $filter: FineTuningJobFilter, $yes: Boolean = true)
        { ...All @include(if: $yes) ... @skip(if: $yes) { nodes(ids: $ids) { id } } } fragment All on Query ${query}`,
      );
      const operation = getOperationAST(document);
      if (!operation) throw new Error('the document has no operation');
      const costOf = createCostMemo(schema, document, operation);
      for (const values of requests) expect(costOf(values)).toBe(estimateCost(schema, document, operation, values));
    }),
    { numRuns: 300 },
  );
});

it('a cost is estimated once for equal variables, and again when one that matters changes', () => {
  const document = parse(
    'query ($n: Int, $id: ID!) { fineTuningJobs(first: $n) { nodes { id } } fineTuningJob(id: $id) { id } }',
  );
  const operation = getOperationAST(document);
  if (!operation) throw new Error('the document has no operation');
  let estimates = 0;
  const counted = new Proxy(schema, {
    get: (target, name) => {
      if (name === 'getRootType') estimates++;
      return Reflect.get(target, name);
    },
  });
  const costOf = createCostMemo(counted, document, operation);
  for (let id = 0; id < 50; id++) costOf({ n: 100, id: `ftjob-${id}` });
  expect(estimates).toBe(1);
  costOf({ n: 5, id: 'ftjob-1' });
  expect(estimates).toBe(2);
});
