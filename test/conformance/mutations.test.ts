import { getNamedType, isInterfaceType, isNonNullType, isObjectType, isUnionType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../src/schema/schema.ts';
import { capitalized, inputOf, mutationFields } from '../kit/mutation/examples.ts';

// What clients may rely on in every mutation, those to come included.

const schema = createSchema();
const fields = Object.values(mutationFields());

/** What a mutation can answer. */
function membersOf(name: string) {
  const result = mutationFields()[name]?.type;
  const union = result && getNamedType(result);
  return isUnionType(union) ? union.getTypes() : [];
}

const isFailure = (name: string) => {
  const type = schema.getType(name);
  return isObjectType(type) && type.getInterfaces().some((one) => one.name === 'Error');
};

describe('there are mutations', () => {
  it('to look at', () => expect(fields.length).toBeGreaterThanOrEqual(9));
});

describe.each(fields.map(({ name }) => name))('%s', (name) => {
  it('takes one input, of its own', () => {
    const [argument, ...others] = mutationFields()[name]?.args ?? [];
    expect(others).toEqual([]);
    expect(String(argument?.type)).toBe(`${capitalized(name)}Input!`);
    expect(argument?.name).toBe('input');
    expect(inputOf(name).isOneOf).toBe(false); // So that members can be added.
  });

  it('always answers, with a union of its own', () => {
    const result = mutationFields()[name]?.type;
    expect(isNonNullType(result)).toBe(true);
    expect(String(result)).toBe(`${capitalized(name)}Result!`);
    expect(membersOf(name).length).toBeGreaterThan(1);
  });

  it('has one success, and failures that all are an Error', () => {
    const names = membersOf(name).map((member) => member.name);
    expect(names.filter((member) => !isFailure(member))).toEqual([`${capitalized(name)}Success`]);
    for (const common of ['ForbiddenError', 'QuotaExceededError', 'OutcomeUnknownError', 'UpstreamError'])
      expect(names).toContain(common);
  });

  it('calls its failures Error and nothing else so', () => {
    for (const { name: member } of membersOf(name)) expect(isFailure(member)).toBe(member.endsWith('Error'));
  });
});

describe('the interface Error', () => {
  const error = schema.getType('Error');

  it('tells people and machines what went wrong', () => {
    if (!isInterfaceType(error)) throw new Error('Error: expected an interface');
    const fields = Object.values(error.getFields()).map((field) => `${field.name}: ${field.type}`);
    expect(fields.sort()).toEqual(['code: ErrorCode!', 'message: String!']);
  });

  it('has no member that no mutation answers', () => {
    if (!isInterfaceType(error)) throw new Error('Error: expected an interface');
    const answered = fields.flatMap(({ name }) => membersOf(name).map((member) => member.name));
    const all = schema.getPossibleTypes(error).map(({ name }) => name);
    expect(all.filter((name) => !answered.includes(name))).toEqual([]);
  });
});
