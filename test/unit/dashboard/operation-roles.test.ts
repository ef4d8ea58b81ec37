import { readFileSync } from 'node:fs';
import { buildSchema, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { describe, expect, it } from 'vitest';
import * as generated from '../../../src/dashboard/operations/generated.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

/** The fields of an operation that not every role may read. */
function fieldsWithRole(text: string): string[] {
  const types = new TypeInfo(schema);
  const found: string[] = [];
  visit(
    parse(text),
    visitWithTypeInfo(types, {
      Field({ name }) {
        if (/requires the role/i.test(types.getFieldDef()?.description ?? '')) found.push(name.value);
      },
    }),
  );
  return found;
}

const operations = Object.values(generated).flatMap((each) => (typeof each === 'object' && 'text' in each ? each : []));

describe('the operations of the dashboard', () => {
  it('read fields that require a role only where the caller has it', () => {
    const found = operations
      .filter(({ text }) => !/^mutation /m.test(text))
      .map(({ name, text }) => [name, fieldsWithRole(text)] as const)
      .filter(([, fields]) => fields.length > 0);
    expect(Object.fromEntries(found)).toEqual({
      CheckFile: ['checkTrainingFile'], // Of the form, which a viewer does not have.
      CloneSource: ['raw'], // Also of the form.
      JobEstimate: ['estimatedTrainingTokens', 'estimatedCost'],
    });
  });
});
