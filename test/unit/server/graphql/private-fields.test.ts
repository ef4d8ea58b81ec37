import { GraphQLObjectType, GraphQLSchema, GraphQLString, graphql, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { PRIVATE_FIELD } from '../../../../src/schema/core/private-field.ts';
import { createSchema } from '../../../../src/schema/schema.ts';
import { createPrivacyCheck, ExecutionViewer } from '../../../../src/server/graphql/private-fields.ts';

const ANN = { name: 'ann', role: 'admin' } as const;
const readsName = { type: GraphQLString, resolve: (_: unknown, __: unknown, viewer: ExecutionViewer) => viewer.name };
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { marked: { ...readsName, extensions: PRIVATE_FIELD }, forgotten: readsName },
  }),
});

/** Executes a query as the server does: it is shared unless it has a private field. */
function run(source: string) {
  const viewer = new ExecutionViewer(ANN);
  if (!createPrivacyCheck(schema)(parse(source))) viewer.share();
  return graphql({ schema, source, contextValue: viewer });
}

describe('the name of the caller', () => {
  it('can be read by a private field', async () => {
    expect((await run('{ marked }')).data).toEqual({ marked: 'ann' });
  });

  it('fails a field that reads it without being private', async () => {
    const { data, errors } = await run('{ forgotten }');
    expect([data, errors?.[0]?.message]).toEqual([{ forgotten: null }, expect.stringContaining('PRIVATE_FIELD')]);
  });
});

describe('a private field of the graph', () => {
  const isPrivate = createPrivacyCheck(createSchema());

  it.each([
    ['{ viewer { role } }', true],
    ['{ me: viewer { name } }', true],
    ['query A { ...F } fragment F on Query { ... { viewer { name } } }', true],
    ['query A { __typename } query B { viewer { name } }', true],
    ['{ fineTuningJobs { edges { cursor } } }', false],
  ])('is found: %s', (query, expected) => {
    expect(isPrivate(parse(query))).toBe(expected);
  });
});
