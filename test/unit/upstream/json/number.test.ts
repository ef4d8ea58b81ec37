import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInteger, readNumber } from '../../../../src/upstream/json/number.ts';

describe('readNumber', () => {
  it.each([
    [1.5, 1.5],
    ['1.5', 1.5],
    [' 1.5\n', 1.5],
    ['-1', -1],
    ['6e-05', 0.00006],
    ['1E3', 1000],
    ['0', 0],
  ])('reads %j as %d', (value, number) => expect(readNumber(value)).toBe(number));

  it.each([
    ...['', ' ', '0x10', '0b1', '1e400', '-1e400', '12abc', '1,5', '1_000', '+5', '.5', '5.', '007', '--1', 'NaN'],
    ...['Infinity', '1 2', '१२'],
    ...[Number.POSITIVE_INFINITY, Number.NaN, true, null, undefined, [5], { value: 5 }, 5n],
  ])('is null for %s', (value) => expect(readNumber(value)).toBeNull());

  it('reads a number and its text alike: property', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(number, fc.constantFrom('', ' ', '\t'), (value, space) => {
        const text = JSON.stringify(value);
        expect(readNumber(value)).toBe(value);
        expect(readNumber(space + text + space)).toBe(JSON.parse(text));
      }),
    );
  });

  it('reads a text as JSON.parse does, or not at all: property', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789+-.eExXn_ ') });
    fc.assert(
      fc.property(text, (text) => {
        const number = readNumber(text);
        if (number !== null) expect(number).toBe(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readInteger', () => {
  it.each([
    ['12345', 12_345],
    ['2.0', 2],
    [2 ** 53 - 1, 2 ** 53 - 1],
    ['9007199254740991', 2 ** 53 - 1],
    ['1.5e1', 15],
    ['10e-1', 1],
    [' -2.00 ', -2],
    ['0.0', 0],
    ['0e5', 0],
  ])('reads %j as %d', (value, integer) => expect(readInteger(value)).toBe(integer));

  it.each([
    1.5,
    '1.5',
    2 ** 53,
    '9007199254740993',
    '1e400',
    'auto',
    '9007199254740990.6',
    '4.00000000000000000001',
    '1e-400',
  ])('is null for %j', (value) => expect(readInteger(value)).toBeNull());

  it('reads the text of any integer exactly, or not at all: property', () => {
    fc.assert(
      fc.property(fc.bigInt(), (integer) => {
        const read = readInteger(String(integer));
        if (read !== null) expect(BigInt(read)).toBe(integer);
      }),
    );
  });

  it('reads the text of a number with a fraction exactly, or not at all: property', () => {
    const digits = fc.stringMatching(/^[0-9]{1,18}$/);
    fc.assert(
      fc.property(fc.maxSafeNat(), digits, fc.integer({ min: -3, max: 3 }), (whole, fraction, exponent) => {
        const read = readInteger(`${whole}.${fraction}e${exponent}`);
        if (read === null) return;
        // The value times 10^21.
        const shifted = BigInt(`${whole}${fraction}`) * 10n ** BigInt(21 + exponent - fraction.length);
        expect(BigInt(read) * 10n ** 21n).toBe(shifted);
      }),
      { numRuns: 2000 },
    );
  });
});
