import { type GraphQLField, isInterfaceType, isNonNullType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { includes, roles } from '../../../src/request/viewer.ts';
import { createSchema } from '../../../src/schema/schema.ts';

/** Every field with a rule, and the roles that the rule names. */
function restricted(): { name: string; field: GraphQLField<unknown, unknown>; needed: string[] }[] {
  const types = Object.values(createSchema().getTypeMap());
  return types
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) => {
        const options = Object(field.extensions['pothosOptions']); // Pothos leaves there how a field was defined.
        if (options.authScopes === undefined) return [];
        return [{ name: `${type.name}.${field.name}`, field, needed: Object.keys(options.authScopes) }];
      }),
    );
}

describe('restricted fields', () => {
  it('are what the upstream sent as it is, what files contain, and who may use checkpoints', () => {
    expect(
      restricted()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['File.preview', 'FineTuningJob.raw', 'FineTuningJobCheckpoint.permissions', 'Query.checkTrainingFile']);
  });

  it('name the role that they need in their description', () => {
    for (const { name, field, needed } of restricted()) {
      expect(needed, name).not.toEqual([]);
      for (const role of needed) expect(field.description, name).toContain(`\`${role}\``);
    }
  });

  it('are nullable, so that a refusal leaves their siblings alone', () => {
    for (const { name, field } of restricted()) expect(isNonNullType(field.type), name).toBe(false);
  });

  it('leave the resolvers of all others as they are', () => {
    const job = createSchema().getType('FineTuningJob');
    if (!isObjectType(job)) throw new Error('FineTuningJob: expected an object type');
    const { raw, status } = job.getFields();
    expect(Object(status?.extensions['pothosOptions']).resolve).toBe(status?.resolve);
    expect(raw?.resolve?.length).toBe(4); // The plugin's own, for comparison.
  });
});

it('each role includes those before it, and itself', () => {
  const table = roles.map((role) => roles.filter((needed) => includes(role, needed)));
  expect(table).toEqual([['viewer'], ['viewer', 'operator'], ['viewer', 'operator', 'admin']]);
});
