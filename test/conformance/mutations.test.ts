import { getNamedType, isInterfaceType, isNonNullType, isObjectType, isUnionType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../src/schema/schema.ts';
import { capitalized, inputOf, mutationFields } from '../kit/mutation/examples.ts';

// The conventions of every mutation, which clients rely on.

const schema = createSchema();
const fields = Object.values(mutationFields());

/** The members of the result of a mutation. */
function membersOf(name: string) {
  const result = mutationFields()[name]?.type;
  const union = result && getNamedType(result);
  return isUnionType(union) ? union.getTypes() : [];
}

const isFailure = (name: string) => {
  const type = schema.getType(name);
  return isObjectType(type) && type.getInterfaces().some((one) => one.name === 'Error');
};

describe('the schema', () => {
  it('has mutations', () => expect(fields.length).toBeGreaterThanOrEqual(9));
});

describe.each(fields.map(({ name }) => name))('%s', (name) => {
  it('has one argument, an input of its own', () => {
    const [argument, ...others] = mutationFields()[name]?.args ?? [];
    expect(others).toEqual([]);
    expect(String(argument?.type)).toBe(`${capitalized(name)}Input!`);
    expect(argument?.name).toBe('input');
    expect(inputOf(name).isOneOf).toBe(false); // Fields can be added without a breaking change.
  });

  it('returns a non-null union of its own', () => {
    const result = mutationFields()[name]?.type;
    expect(isNonNullType(result)).toBe(true);
    expect(String(result)).toBe(`${capitalized(name)}Result!`);
    expect(membersOf(name).length).toBeGreaterThan(1);
  });

  it('has one success, and failures that implement Error', () => {
    const names = membersOf(name).map((member) => member.name);
    expect(names.filter((member) => !isFailure(member))).toEqual([`${capitalized(name)}Success`]);
    for (const common of [
      'ForbiddenError',
      'QuotaExceededError',
      'UnavailableError',
      'OutcomeUnknownError',
      'UpstreamError',
    ])
      expect(names).toContain(common);
  });

  it('has the suffix Error on its failures only', () => {
    for (const { name: member } of membersOf(name)) expect(isFailure(member)).toBe(member.endsWith('Error'));
  });
});

describe('the interface Error', () => {
  const error = schema.getType('Error');

  it('has a message for people and a code for programs', () => {
    if (!isInterfaceType(error)) throw new Error('Error: expected an interface');
    const fields = Object.values(error.getFields()).map((field) => `${field.name}: ${field.type}`);
    expect(fields.sort()).toEqual(['code: ErrorCode!', 'message: String!']);
  });

  it('has no implementation that no mutation returns', () => {
    if (!isInterfaceType(error)) throw new Error('Error: expected an interface');
    const returned = fields.flatMap(({ name }) => membersOf(name).map((member) => member.name));
    const all = schema.getPossibleTypes(error).map(({ name }) => name);
    expect(all.filter((name) => !returned.includes(name))).toEqual([]);
  });
});
