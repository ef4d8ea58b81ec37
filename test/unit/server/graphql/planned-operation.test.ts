import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type ExecutionResult,
  execute,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getIntrospectionQuery,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../../../src/request/context.ts';
import { ResponseMeter } from '../../../../src/request/response-meter.ts';
import { planOperation } from '../../../../src/server/graphql/planned-operation.ts';
import { randomQuery } from '../../../kit/isolation/random-query.ts';
import { createRandomSchema, Releases } from './random-schema.ts';

const schema = createRandomSchema();
const mutationSchema = new GraphQLSchema({ ...schema.toConfig(), query: schema.getMutationType(), mutation: null });

const VALUES = {
  id: ['"ftjob-1"', '$id', '5'],
  ids: ['$ids', '["a"]', '"one"'],
  fileId: ['"file-1"', '$id'],
  first: ['', '3', '$first', '-1'],
  maxPoints: ['', '100', '$first'],
  filter: ['', '$filter', '{statuses: [FAILED, $status]}'],
};
const DEFINITIONS =
  '($id: ID! = "a", $ids: [ID!]! = ["b"], $first: Int = 7, $filter: FineTuningJobFilter, $status: FineTuningJobStatus = RUNNING, $yes: Boolean! = true, $no: Boolean = false)';

const variablesArbitrary = fc.record(
  {
    id: fc.constantFrom('x', 7, 1.5, null),
    ids: fc.constantFrom(['x', 'y'], 'z', [], [null]),
    first: fc.constantFrom(1, null, 'many', 2 ** 40),
    filter: fc.constantFrom(null, {}, { statuses: ['FAILED'] }, { statuses: ['FAILD'] }, { unknown: 1 }),
    status: fc.constantFrom('FAILED', 'UNKNOWN', null),
    yes: fc.boolean(),
    no: fc.constantFrom(true, false, null),
  },
  { requiredKeys: [] },
);

const CONDITIONS = [
  '',
  '@include(if: $yes)',
  '@skip(if: $no)',
  '@skip(if: false) @include(if: $no)',
  '@skip(if: true)',
];

/** Adds directives, equal fields that are merged, inline and named fragments to a query. */
function decorate(query: string, choices: readonly number[]): string {
  let count = 0;
  const choose = (limit: number) => (choices[count++ % choices.length] ?? 0) % limit;
  const decorated = query.replace(/(f\d+): (\w+)(\([^)]*\))?/g, (field, alias: string) => {
    const key = choose(3) === 0 ? `f${choose(4)}` : alias; // Some keys collide: such documents are not valid, but executed.
    const condition = choose(2) === 0 ? (CONDITIONS[choose(CONDITIONS.length)] ?? '') : '';
    return `${field.replace(alias, key === alias ? alias : `${alias}_${key}`)} ${condition} `;
  });
  const parts = [`... @include(if: $yes) ${decorated}`, '...A @skip(if: $no)', '...A', '...B'];
  const chosen = parts.filter(() => choose(2) === 0);
  return `{ ${chosen.join(' ')} ...B __typename } fragment A on ROOT ${decorated} fragment B on ROOT { ...A }`;
}

interface Case {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

const newContext = (seed: number, releases: Releases) =>
  ({ seed, releases, response: new ResponseMeter(Number.POSITIVE_INFINITY) }) as unknown as Context; // The random resolvers read no more.

function planText(text: string, hideSuggestions = false) {
  const document = parse(text);
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  if (!operation) throw new Error('the document has no operation');
  return { document, planned: planOperation({ schema, document, operation, hideSuggestions }) };
}

async function expectEqual({ text, variables, seed }: Case): Promise<ExecutionResult> {
  const { document, planned } = planText(text);
  const reference = new Releases();
  const args = { schema, document, variableValues: variables, contextValue: newContext(seed, reference) };
  const expected = toJson(await reference.run(execute(args)));
  for (let run = 0; run < 2; run++) {
    const releases = new Releases();
    const actual = await releases.run(planned.execute(newContext(seed, releases), variables));
    expect(toJson(actual)).toEqual(expected); // As text: the order of members counts too.
    // The reference returns early when the whole data is null.
    expect(releases.log.slice(0, reference.log.length)).toEqual(reference.log);
  }
  return JSON.parse(expected);
}

const toJson = (result: ExecutionResult) => JSON.stringify(result, null, 1);

const choices = fc.array(fc.nat(1000), { minLength: 10, maxLength: 60 });
const RUNS = { numRuns: 400 };

describe('a planned operation', () => {
  it('has the result of the reference executor for any query: data, errors and their order', async () => {
    let errors = 0;
    await fc.assert(
      fc.asyncProperty(choices, variablesArbitrary, fc.nat(), async (choices, variables, seed) => {
        const text = decorate(randomQuery(schema, VALUES, choices, 5), choices).replaceAll('ROOT', 'Query');
        const result = await expectEqual({ text: `query ${DEFINITIONS} ${text}`, variables, seed });
        errors += result.errors?.length ?? 0;
      }),
      RUNS,
    );
    expect(errors).toBeGreaterThan(100);
  });

  it('executes any mutation as the reference executor does: one root field after another', async () => {
    await fc.assert(
      fc.asyncProperty(choices, variablesArbitrary, fc.nat(), async (choices, variables, seed) => {
        const text = decorate(randomQuery(mutationSchema, VALUES, choices, 4), choices).replaceAll('ROOT', 'Mutation');
        await expectEqual({ text: `mutation ${DEFINITIONS} ${text}`, variables, seed });
      }),
      { numRuns: 150 },
    );
  });

  it('answers introspection as the reference executor does', async () => {
    await expectEqual({ text: getIntrospectionQuery(), variables: {}, seed: 1 });
  });

  it('returns a field named __proto__ like any other', async () => {
    const text = 'query { __proto__: __typename gateway { __proto__: __typename constructor: __typename } }';
    for (let seed = 0; seed < 5; seed++) await expectEqual({ text, variables: {}, seed });
  });

  it('suggests names in the errors of variables only when they may be shown', () => {
    const text = 'query ($filter: FineTuningJobFilter) { fineTuningJobs(filter: $filter) { scannedCount } }';
    const messages = [false, true].map((hide) => {
      const result = planText(text, hide).planned.execute(newContext(1, new Releases()), { filter: { statuse: [] } });
      return JSON.stringify(result);
    });
    expect(messages[0]).toContain('Did you mean');
    expect(messages[1]).not.toContain('Did you mean');
  });

  it.each([
    ['at once', (values: unknown[]) => values],
    ['later', async (values: unknown[]) => values],
  ])('leaves no rejection unhandled in a list with an error that comes %s', async (_, arrive) => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const lists = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: {
          list: {
            type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
            resolve: () =>
              arrive([Promise.reject(new Error('first')), new Error('second'), Promise.reject(new Error('third'))]),
          },
          failing: { type: new GraphQLNonNull(GraphQLString), resolve: () => Promise.reject(new Error('no data')) },
        },
      }),
    });
    const document = parse('{ failing list }');
    const [operation] = document.definitions as [OperationDefinitionNode];
    const planned = planOperation({ schema: lists, document, operation, hideSuggestions: false });
    const result = await planned.execute(newContext(1, new Releases()), {});
    expect(result.data).toBeNull();
    await setTimeout(10); // Node reports a rejection after the turn of the event loop.
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  it('stores a bounded number of plans', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `v${index}`);
    const fields = names.map((name) => `${name}: __typename @include(if: $${name})`).join(' ');
    const { planned } = planText(`query (${names.map((name) => `$${name}: Boolean!`).join(' ')}) { ${fields} }`);
    for (let bits = 0; bits < 1024; bits++) {
      const variables = Object.fromEntries(names.map((name, index) => [name, ((bits >> index) & 1) === 1]));
      const result = await planned.execute(newContext(1, new Releases()), variables);
      expect(Object.keys(result.data ?? {})).toEqual(names.filter((name) => variables[name]));
      expect(planned.plannedFields).toBeLessThanOrEqual(80);
    }
  });
});
