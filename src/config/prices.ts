import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Price, PriceList } from '../request/price-list.ts';
import { groupDocs, settingDocs } from './types/setting-docs.ts';
import { quoteValue } from './types/setting-types.ts';

export const prices = z
  .object({
    PRICES_FILE: z.string().transform(readPrices).optional().register(settingDocs, {
      description:
        'Path of a JSON file with prices of training per million tokens, for `estimatedCost`. The page `operate.md` shows its form. Read at start.',
      example: 'prices.json',
      whenUnset: 'no prices',
    }),
  })
  .register(groupDocs, {
    title: 'Prices',
    intro: 'What training costs. The gateway has no prices of its own: they change, and differ by contract.',
  })
  .transform(({ PRICES_FILE: priceList = [] }) => ({ priceList }));

const MAX_BYTES = 1024 * 1024;
const MAX_PROBLEMS = 5;
const UNIT = '1M training tokens';

const expected = (what: string) => ({
  error: ({ input }: { input?: unknown }) => `${problemOf(input)}; expected ${what}`,
});
const text = (what: string, pattern: RegExp) => z.string(expected(what)).regex(pattern, expected(what));

/** One entry. Unknown members are refused: `ammount` is a mistake. */
const priceSchema = z.strictObject(
  {
    model: text('the id of a base model, in which * stands for any characters, such as gpt-4.1-mini*', /^\S{1,200}$/),
    method: z.enum(
      ['supervised', 'dpo'],
      expected('supervised or dpo; reinforcement is billed by time, so it has no price per token'),
    ),
    amount: z.number(expected('a number above 0, such as 5')).positive(expected('a number above 0, such as 5')),
    unit: z.literal(UNIT, expected(JSON.stringify(UNIT))),
    currency: text('a currency of ISO 4217, such as USD', /^[A-Z]{3}$/),
    asOf: z.iso.date(expected('the date of the price, such as 2026-10-23')),
    source: text('where the price is from, such as the URL of a price list', /^(?=.*\S).{1,500}$/),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has the unknown member ${issue.keys.map((key) => quoteValue(key)).join(', ')}; expected ${MEMBERS}`
        : `${problemOf(issue.input)}; expected an object with ${MEMBERS}`,
  },
);

const MEMBERS = 'model, method, amount, unit, currency, asOf and source';

const FORMAT = 'expected an object such as {"prices": [{"model": "gpt-4.1-mini*", …}]}';
const fileSchema = z.strictObject({ prices: z.array(z.unknown()).min(1) });

/** Reads and validates the file of PRICES_FILE. Adds an issue for each problem; each names the entry. */
function readPrices(file: string, context: z.RefinementCtx): PriceList {
  const content = readContent(file);
  if ('problem' in content) {
    context.addIssue(content.problem);
    return [];
  }
  const prices: Price[] = [];
  const problems: string[] = [];
  for (const [index, value] of content.entries.entries()) {
    const name = nameOf(value, index);
    const { data, error } = priceSchema.safeParse(value);
    for (const { path, message } of error?.issues ?? []) problems.push(`${[name, ...path].join(', ')}: ${message}`);
    if (!data) continue;
    const same = prices.findIndex(({ model, method }) => model === data.model && method === data.method);
    if (same >= 0)
      problems.push(`${name}: has the model and the method of an earlier entry; expected one entry of both`);
    prices.push(data);
  }
  for (const problem of problems.slice(0, MAX_PROBLEMS)) context.addIssue(problem);
  if (problems.length > MAX_PROBLEMS) context.addIssue(`has ${problems.length - MAX_PROBLEMS} more problems`);
  return prices;
}

/** `entry 2 (gpt-4.1*)`, counted from 1. */
function nameOf(value: unknown, index: number): string {
  const { model } = Object(value);
  return `entry ${index + 1}${typeof model === 'string' ? ` (${quoteValue(model)})` : ''}`;
}

function readContent(file: string): { readonly entries: readonly unknown[] } | { readonly problem: string } {
  try {
    const stats = statSync(file);
    // A pipe or a device would never end.
    if (!stats.isFile()) return { problem: 'is not a regular file; expected the path of a JSON file' };
    if (stats.size > MAX_BYTES) return { problem: `has ${stats.size} bytes; expected at most ${MAX_BYTES}` };
    const { data } = fileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return data ? { entries: data.prices } : { problem: `has an unknown format; ${FORMAT}` };
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: `is not JSON; ${FORMAT}` };
    return { problem: 'cannot be read; expected the path of a JSON file, such as prices.json' };
  }
}

function problemOf(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === '') return 'is empty';
  if (typeof value === 'string') return `is ${quoteValue(value)}`;
  return typeof value === 'number' || value === null ? `is ${value}` : 'has another type';
}
