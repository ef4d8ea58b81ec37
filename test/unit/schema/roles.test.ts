import { type GraphQLField, isInterfaceType, isNonNullType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { includes, roles } from '../../../src/request/viewer.ts';
import { builder } from '../../../src/schema/core/builder.ts';
import { createSchema } from '../../../src/schema/schema.ts';

/** Every field with a required role, and the roles. */
function restrictedFields(): { name: string; field: GraphQLField<unknown, unknown>; roles: string[] }[] {
  const types = Object.values(createSchema().getTypeMap());
  return types
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) => {
        const options = Object(field.extensions['pothosOptions']); // Pothos keeps the definition of a field there.
        if (options.authScopes === undefined) return [];
        return [{ name: `${type.name}.${field.name}`, field, roles: Object.keys(options.authScopes) }];
      }),
    );
}

describe('restricted fields', () => {
  it('are raw objects, file contents and what is read from them, and the permissions of checkpoints', () => {
    expect(
      restrictedFields()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      'File.preview',
      'FineTuningJob.estimatedCost',
      'FineTuningJob.estimatedTrainingTokens',
      'FineTuningJob.raw',
      'FineTuningJobCheckpoint.permissions',
      'Query.checkTrainingFile',
    ]);
  });

  it('name their role in their description', () => {
    for (const { name, field, roles } of restrictedFields()) {
      expect(roles, name).not.toEqual([]);
      for (const role of roles) expect(field.description, name).toContain(`\`${role}\``);
    }
  });

  it('are nullable, so that an error leaves the other fields intact', () => {
    for (const { name, field } of restrictedFields()) expect(isNonNullType(field.type), name).toBe(false);
  });

  it('do not change the resolvers of other fields', () => {
    const job = builder.toSchema().getType('FineTuningJob'); // Before all fields are metered.
    if (!isObjectType(job)) throw new Error('FineTuningJob: expected an object type');
    const { raw, status } = job.getFields();
    expect(Object(status?.extensions['pothosOptions']).resolve).toBe(status?.resolve);
    expect(raw?.resolve?.length).toBe(4); // The wrapper of the plugin, for comparison.
  });
});

it('each role includes itself and the roles before it', () => {
  const table = roles.map((role) => roles.filter((needed) => includes(role, needed)));
  expect(table).toEqual([['viewer'], ['viewer', 'operator'], ['viewer', 'operator', 'admin']]);
});
