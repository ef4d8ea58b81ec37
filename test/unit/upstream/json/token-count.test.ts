import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../../../../src/upstream/json/token-count.ts';
import { eventBody } from '../../../kit/bodies/event.ts';
import { fileBody } from '../../../kit/bodies/file.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { modelBody } from '../../../kit/bodies/model.ts';

const countTokens = (text: string) => createJsonTokenCounter().add(Buffer.from(text));

/** Counts the values within a value, itself and the names of its members included. */
function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const names = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, member) => sum + countValues(member), 1 + names);
}

describe('the token count of a JSON text', () => {
  it.each([
    ['""', 0],
    ['[]', 1],
    ['{}', 1],
    ['[{},{}]', 4],
    ['{"a":[1,2]}', 4],
    [String.raw`["a,b:c[d{e","\",\\","\\",0]`, 4],
    ['"日,本"', 0],
  ])('of %s is %i', (text, count) => {
    expect(countTokens(text)).toBe(count);
  });

  it('is between half and twice the number of values, and does not depend on chunk boundaries', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const cut = seed % (bytes.length + 1);
        const counter = createJsonTokenCounter();
        counter.add(bytes.subarray(0, cut));
        const tokens = counter.add(bytes.subarray(cut));
        expect(tokens).toBe(countTokens(bytes.toString()));
        expect(tokens).toBeGreaterThanOrEqual(countValues(value) / 2 - 1);
        expect(tokens).toBeLessThanOrEqual(2 * countValues(value));
      }),
    );
  });

  const list = (count: number, body: (id: string) => unknown) =>
    JSON.stringify({ object: 'list', data: Array.from({ length: count }, (_, index) => body(`id-${index}`)) });
  const members = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`valid_reward_${index}`, index / 3]));
  const metadata = Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [`${index}`.padEnd(64, 'k'), 'v,'.repeat(256)]),
  );

  it.each([
    ['a page of 100 jobs with the maximum of metadata', list(100, (id) => jobBody({ id, metadata }))],
    ['10,000 files', list(10_000, (id) => fileBody(id))],
    ['10,000 models', list(10_000, (id) => modelBody(id))],
    ['100 events of reinforcement', list(100, (id) => eventBody(id, { data: { scores: members(800) } }))],
  ])('of %s is below half of the limit', (_, text) => {
    expect(countTokens(text)).toBeLessThan(MAX_JSON_TOKENS / 2);
  });
});
