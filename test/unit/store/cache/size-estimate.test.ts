import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weigh } from '../../../../src/store/cache/size-estimate.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

describe('weigh', () => {
  it.each([
    ['null', null],
    ['a truth value', true],
    ['what is not there', undefined],
  ])('is nothing for %s, which takes a slot of its holder only', (_, value) => expect(weigh(value)).toBe(0));

  it('grows with every member, item and character', () => {
    const weights = [{}, { a: null }, { a: null, b: null }].map(weigh);
    expect(weights).toEqual([...new Set(weights)].sort((a, b) => a - b));
    expect(weigh([1, 2, 3]) - weigh([1, 2])).toBe(weigh([1, 2]) - weigh([1]));
    expect(weigh('xx')).toBeGreaterThan(weigh('x'));
  });

  it('is at least a byte for each character of the JSON of a job, names of members aside', () => {
    const body = jobBody();
    expect(weigh(body)).toBeGreaterThan(Object.values(body).flat().join('').length);
  });

  it('takes a long text for one of two bytes a character', () => {
    expect(weigh('ф'.repeat(5000))).toBeGreaterThanOrEqual(10_000);
  });

  it('counts what an error knows of where it was made', () => {
    const error = new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing');
    expect(weigh(error)).toBeGreaterThan(weigh({ ...error }) + 500);
  });

  it('is that of its parts and of their holder: property', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 10, size: 'max' }), (items) => {
        const holder = weigh(items.map(() => null));
        expect(weigh(items)).toBe(items.reduce((sum: number, item) => sum + weigh(item), holder));
      }),
    );
  });

  it('never recurses: a body may be as deep as it likes', () => {
    let deep: unknown = 'x';
    for (let n = 0; n < 100_000; n++) deep = [deep];
    expect(weigh(deep)).toBeGreaterThan(3_200_000);
  });
});
