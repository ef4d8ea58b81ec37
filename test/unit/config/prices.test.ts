import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { findPrice } from '../../../src/request/price-list.ts';
import { problemsOf } from '../../kit/process/config-problems.ts';
import { PRICE, priceFile, priceFileOf } from '../../kit/process/prices.ts';

const problemsIn = (file: string) => problemsOf({ PRICES_FILE: file });

describe('PRICES_FILE', () => {
  it('is read at start', () => {
    const { unit: _, ...price } = PRICE;
    expect(readConfig({ PRICES_FILE: priceFile({}) }).priceList).toEqual([expect.objectContaining(price)]);
    expect(readConfig({}).priceList).toEqual([]);
  });

  it.each([
    [
      'model',
      undefined,
      'is missing; expected the id of a base model, in which * stands for any characters, such as gpt-4.1-mini*',
    ],
    [
      'method',
      'sft',
      'is "sft"; expected supervised or dpo; reinforcement is billed by time, so it has no price per token',
    ],
    [
      'method',
      'reinforcement',
      'is "reinforcement"; expected supervised or dpo; reinforcement is billed by time, so it has no price per token',
    ],
    ['amount', 0, 'is 0; expected a number above 0, such as 5'],
    ['amount', -1, 'is -1; expected a number above 0, such as 5'],
    ['amount', '5', 'is "5"; expected a number above 0, such as 5'],
    ['unit', '1K tokens', 'is "1K tokens"; expected "1M training tokens"'],
    ['currency', '$', 'is "$"; expected a currency of ISO 4217, such as USD'],
    ['asOf', '2026-02-30', 'is "2026-02-30"; expected the date of the price, such as 2026-10-23'],
    ['source', ' ', 'is " "; expected where the price is from, such as the URL of a price list'],
    ['source', null, 'is null; expected where the price is from, such as the URL of a price list'],
  ])('names the entry and the member: %s %j', (member, value, problem) => {
    const name = member === 'model' ? 'entry 2' : 'entry 2 ("gpt-4.1*")';
    const file = priceFile({}, { model: 'gpt-4.1*', [member]: value });
    expect(problemsIn(file)).toEqual([`PRICES_FILE: ${name}, ${member}: ${problem}`]);
  });

  it('names unknown members, entries of the same model, and entries of another type', () => {
    expect(problemsIn(priceFile({ price: 1 }, {}))).toEqual([
      'PRICES_FILE: entry 1 ("gpt-4.1-mini*"): has the unknown member "price"; expected model, method, amount, unit, currency, asOf and source',
    ]);
    expect(problemsIn(priceFile({}, { method: 'dpo' }, {}))).toEqual([
      'PRICES_FILE: entry 3 ("gpt-4.1-mini*"): has the model and the method of an earlier entry; expected one entry of both',
    ]);
    expect(problemsIn(priceFileOf('{"prices": [1]}'))).toEqual([
      'PRICES_FILE: entry 1: is 1; expected an object with model, method, amount, unit, currency, asOf and source',
    ]);
  });

  it('names at most five problems', () => {
    const problems = problemsIn(
      priceFile(...Array.from({ length: 8 }, (_, index) => ({ model: `m${index}`, amount: 0 }))),
    );
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)).toBe('PRICES_FILE: has 3 more problems');
  });

  const FORMAT = 'expected an object such as {"prices": [{"model": "gpt-4.1-mini*", …}]}';
  it.each([
    ['no JSON', 'gpt-4.1 5', `is not JSON; ${FORMAT}`],
    ['a list', '[]', `has an unknown format; ${FORMAT}`],
    ['no entry', '{"prices": []}', `has an unknown format; ${FORMAT}`],
    ['too much', ' '.repeat(1_048_577), 'has 1048577 bytes; expected at most 1048576'],
  ])('has a format: %s', (_, text, problem) => {
    expect(problemsIn(priceFileOf(text))).toEqual([`PRICES_FILE: ${problem}`]);
  });

  it('is a regular file', () => {
    expect(problemsIn('/dev/zero')).toEqual(['PRICES_FILE: is not a regular file; expected the path of a JSON file']);
    expect(problemsIn(dirname(priceFile({})))).toHaveLength(1);
    expect(problemsIn('prices-none.json')).toEqual([
      'PRICES_FILE: cannot be read; expected the path of a JSON file, such as prices.json',
    ]);
  });
});

describe('a price', () => {
  it.each([
    ['gpt-4.1', 'gpt-4.1', true],
    ['gpt-4.1', 'gpt-4.1-mini', false],
    ['gpt-4.1*', 'gpt-4.1-mini', true],
    ['*mini', 'gpt-4.1-mini', true],
    ['*mini', 'gpt-4.1-mini-2025', false],
    ['gpt-*-mini-*', 'gpt-4.1-mini-2025-04-14', true],
    ['gpt-*-mini-*', 'gpt-4.1-mini', false],
    ['ab*ba', 'aba', false],
    ['*', 'any', true],
    ['gpt-4.1*', 'ft:gpt-4.1-2025-04-14:acme::abc', true],
    ['gpt.4.1', 'gpt-4.1', false],
  ])('of %s applies to %s: %s', (model, modelId, isFound) => {
    expect(findPrice([{ ...PRICE, model }], modelId, 'supervised') !== null).toBe(isFound);
    expect(findPrice([{ ...PRICE, model }], modelId, 'dpo')).toBe(null);
  });

  it('is the first that applies', () => {
    const prices = ['gpt-4.1-mini*', 'gpt-4.1*'].map((model, index) => ({ ...PRICE, model, amount: 1 + index }));
    expect(['gpt-4.1-mini', 'gpt-4.1'].map((id) => findPrice(prices, id, 'supervised')?.amount)).toEqual([1, 2]);
  });
});
