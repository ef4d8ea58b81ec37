import { type GraphQLScalarType, isScalarType, parseValue, valueFromAST } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createSchema } from '../../../../src/schema/schema.ts';

const schema = createSchema();
function scalar(name: string): GraphQLScalarType {
  const type = schema.getType(name);
  if (!isScalarType(type)) throw new Error(`${name}: expected a scalar`);
  return type;
}

const CASES = [
  {
    name: 'UnixTimestamp',
    good: [0, -1, 1_760_000_000, 4_102_444_800],
    bad: [1.5, '1760000000', null, Number.NaN, 2 ** 53],
  },
  { name: 'SafeInt', good: [0, 2 ** 31, 2 ** 53 - 1, -(2 ** 53 - 1)], bad: [2 ** 53, 0.1, '1', true] },
  { name: 'IntOrAuto', good: ['auto', 1, 256], bad: ['Auto', 1.5, '1', null] },
  { name: 'FloatOrAuto', good: ['auto', 0.1, 2], bad: ['automatic', Number.POSITIVE_INFINITY, '0.1'] },
  {
    name: 'Date',
    good: ['2026-10-23', '2024-02-29'],
    bad: ['2026-02-30', '2025-02-29', '2026-1-1', '2026-10-23T00:00:00Z', 20261023],
  },
  { name: 'JSON', good: [null, 1, 'a', [1], { a: { b: [null] } }], bad: [undefined] },
];

describe.each(CASES)('$name', ({ name, good, bad }) => {
  it('accepts valid values unchanged, in both directions', () => {
    for (const value of good) {
      expect(scalar(name).coerceInputValue(value)).toEqual(value);
      expect(scalar(name).coerceOutputValue(value)).toEqual(value);
    }
  });

  it('rejects invalid values, naming the scalar and the expected value', () => {
    for (const value of bad) {
      expect(() => scalar(name).coerceInputValue(value), String(value)).toThrow(
        new RegExp(`^${name} cannot represent .*: expected .*\\.$`),
      );
      expect(() => scalar(name).coerceOutputValue(value), String(value)).toThrow(
        new RegExp(`^${name} cannot represent .*: expected .*\\.$`),
      );
    }
  });

  it('reads the same values from literals of a document', () => {
    for (const value of good) {
      const literal = parseValue(
        typeof value === 'object' && value !== null
          ? JSON.stringify(value).replace(/"(\w+)":/g, '$1:')
          : JSON.stringify(value),
      );
      if (value !== null) expect(valueFromAST(literal, scalar(name))).toEqual(value);
    }
  });
});
