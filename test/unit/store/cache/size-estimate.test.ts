import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateBytes } from '../../../../src/store/cache/size-estimate.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

describe('weigh', () => {
  it.each([
    ['null', null],
    ['a truth value', true],
    ['what is not there', undefined],
  ])('is nothing for %s, which takes a slot of its holder only', (_, value) => expect(estimateBytes(value)).toBe(0));

  it('grows with every member, item and character', () => {
    const weights = [{}, { a: null }, { a: null, b: null }].map(estimateBytes);
    expect(weights).toEqual([...new Set(weights)].sort((a, b) => a - b));
    expect(estimateBytes([1, 2, 3]) - estimateBytes([1, 2])).toBe(estimateBytes([1, 2]) - estimateBytes([1]));
    expect(estimateBytes('xx')).toBeGreaterThan(estimateBytes('x'));
  });

  it('is at least a byte for each character of the JSON of a job, names of members aside', () => {
    const body = jobBody();
    expect(estimateBytes(body)).toBeGreaterThan(Object.values(body).flat().join('').length);
  });

  it('takes a long text for one of two bytes a character', () => {
    expect(estimateBytes('ф'.repeat(5000))).toBeGreaterThanOrEqual(10_000);
  });

  it('counts what an error knows of where it was made', () => {
    const error = new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing');
    expect(estimateBytes(error)).toBeGreaterThan(estimateBytes({ ...error }) + 500);
  });

  it('is that of its parts and of their holder: property', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 10, size: 'max' }), (items) => {
        const holder = estimateBytes(items.map(() => null));
        expect(estimateBytes(items)).toBe(items.reduce((sum: number, item) => sum + estimateBytes(item), holder));
      }),
    );
  });

  it('never recurses: a body may be as deep as it likes', () => {
    let deep: unknown = 'x';
    for (let n = 0; n < 100_000; n++) deep = [deep];
    expect(estimateBytes(deep)).toBeGreaterThan(3_200_000);
  });
});
