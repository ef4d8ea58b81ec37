import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonTokenCounter, MAX_JSON_TOKENS } from '../../../../src/upstream/json/token-count.ts';
import { eventBody } from '../../../kit/bodies/event.ts';
import { fileBody } from '../../../kit/bodies/file.ts';
import { jobBody } from '../../../kit/bodies/job.ts';
import { modelBody } from '../../../kit/bodies/model.ts';

const marksOf = (text: string) => createJsonTokenCounter().add(Buffer.from(text));

/** Values of which a value consists, itself and the names of its members among them. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const names = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, member) => sum + valuesIn(member), 1 + names);
}

describe('the marks of a JSON text', () => {
  it.each([
    ['""', 0],
    ['[]', 1],
    ['{}', 1],
    ['[{},{}]', 4],
    ['{"a":[1,2]}', 4],
    [String.raw`["a,b:c[d{e","\",\\","\\",0]`, 4],
    ['"日,本"', 0],
  ])('of %s are %i', (text, count) => {
    expect(marksOf(text)).toBe(count);
  });

  it('bound the values of any JSON from both sides, and do not depend on where its chunks begin', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, place) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const cut = place % (bytes.length + 1);
        const count = createJsonTokenCounter();
        count.add(bytes.subarray(0, cut));
        const marks = count.add(bytes.subarray(cut));
        expect(marks).toBe(marksOf(bytes.toString()));
        expect(marks).toBeGreaterThanOrEqual(valuesIn(value) / 2 - 1);
        expect(marks).toBeLessThanOrEqual(2 * valuesIn(value));
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
    ['a page of 100 jobs with all the metadata they can have', list(100, (id) => jobBody({ id, metadata }))],
    ['10,000 files', list(10_000, (id) => fileBody(id))],
    ['10,000 models', list(10_000, (id) => modelBody(id))],
    ['100 events of reinforcement', list(100, (id) => eventBody(id, { data: { scores: members(800) } }))],
  ])('of %s are fewer than half of what is read', (_, text) => {
    expect(marksOf(text)).toBeLessThan(MAX_JSON_TOKENS / 2);
  });
});
