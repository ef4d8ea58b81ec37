import { join } from 'node:path';
import { makeFolder } from './folder.ts';

export const PRICE = {
  model: 'gpt-4.1-mini*',
  method: 'supervised',
  amount: 5,
  unit: '1M training tokens',
  currency: 'USD',
  asOf: '2026-10-23',
  source: 'https://example.com/prices',
};

/** The path of a file with this content, until the end of the test. */
export const priceFileOf = (text: string): string => join(makeFolder({ 'prices.json': text }), 'prices.json');

/** The path of a price file with these entries: each is PRICE with other members. */
export const priceFile = (...entries: readonly object[]): string =>
  priceFileOf(JSON.stringify({ prices: entries.map((entry) => ({ ...PRICE, ...entry })) }));
