import { readFileSync } from 'node:fs';
import {
  type GraphQLField,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { breakingChanges, printedSchema } from '../../src/schema/print.ts';
import { createSchema } from '../../src/schema/schema.ts';

const types = Object.values(createSchema().getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

/** The parts of a type that can have a description, by name. */
function described(type: GraphQLNamedType): [string, string | null | undefined][] {
  const own: [string, string | null | undefined] = [type.name, type.description];
  if (isObjectType(type) || isInterfaceType(type))
    return [own, ...Object.values(type.getFields()).flatMap((field) => ofField(type, field))];
  if (isInputObjectType(type))
    return [
      own,
      ...Object.values(type.getFields()).map(
        ({ name, description }) => [`${type}.${name}`, description] as [string, typeof description],
      ),
    ];
  if (isEnumType(type))
    return [
      own,
      ...type
        .getValues()
        .map(({ name, description }) => [`${type}.${name}`, description] as [string, typeof description]),
    ];
  return [own];
}

function ofField(type: GraphQLNamedType, field: GraphQLField<unknown, unknown>): [string, string | null | undefined][] {
  return [
    [`${type}.${field.name}`, field.description],
    ...field.args.map(
      ({ name, description }) => [`${type}.${field.name}(${name})`, description] as [string, typeof description],
    ),
  ];
}

describe('the schema', () => {
  it('has a description itself', () => {
    expect(createSchema().description).toContain('## Errors');
    expect(printedSchema()).toMatch(/^"""\nA GraphQL API for fine-tuning jobs[\s\S]*?"""\nschema \{/);
  });

  it('describes every type, field, argument and enum value', () => {
    const all = types.flatMap(described);
    expect(all.length).toBeGreaterThan(150);
    expect(all.filter(([, description]) => !description).map(([name]) => name)).toEqual([]);
  });

  it('says of each union when it returns each of its types', () => {
    const unions = types.filter(isUnionType);
    expect(unions.length).toBeGreaterThan(10);
    for (const union of unions) {
      for (const member of union.getTypes()) expect(union.description, union.name).toContain(`\n- \`${member}\`: `);
    }
  });

  it('has the URL of the specification of each scalar', () => {
    const scalars = types.filter(isScalarType);
    expect(scalars.map(({ name }) => name).sort()).toEqual([
      'Date',
      'FloatOrAuto',
      'IntOrAuto',
      'JSON',
      'SafeInt',
      'UnixTimestamp',
      'Upload',
    ]);
    for (const { specifiedByURL } of scalars) expect(specifiedByURL).toMatch(/^https:\/\//);
  });

  it('has a raw string beside every field of an enum with UNKNOWN', () => {
    for (const type of types) {
      if (!isObjectType(type) && !isInterfaceType(type)) continue;
      const fields = type.getFields();
      for (const { name, type: fieldType } of Object.values(fields)) {
        const named = types.find((candidate) => candidate.name === String(fieldType).replace(/[![\]]/g, ''));
        if (!isEnumType(named) || !named.getValue('UNKNOWN')) continue;
        expect(Object.keys(fields), `${type}.${name}`).toContain(`raw${name[0]?.toUpperCase()}${name.slice(1)}`);
      }
    }
  });

  it('equals schema.graphql; after a change run npm run schema', () => {
    expect(readFileSync('schema.graphql', 'utf8')).toBe(printedSchema());
  });

  it('is compared with the committed one, so that a breaking change is deliberate', () => {
    const before = printedSchema();
    expect(breakingChanges(before, before)).toEqual([]);
    expect(breakingChanges(before, before.replace('  seed: Int\n', '  sead: Int\n'))).toEqual([
      expect.stringContaining('seed'),
    ]);
    expect(breakingChanges(before, before.replace('  PAUSED\n', '  RESTING\n'))).toEqual([
      expect.stringContaining('PAUSED'),
    ]);
  });
});
