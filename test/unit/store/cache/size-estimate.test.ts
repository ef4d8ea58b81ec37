import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateBytes } from '../../../../src/store/cache/size-estimate.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import { jobBody } from '../../../kit/bodies/job.ts';

describe('estimateBytes', () => {
  it.each([
    ['null', null],
    ['a boolean', true],
    ['undefined', undefined],
  ])('is zero for %s, which only takes a slot of its container', (_, value) => expect(estimateBytes(value)).toBe(0));

  it('grows with each member, item and character', () => {
    const sizes = [{}, { a: null }, { a: null, b: null }].map(estimateBytes);
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
    expect(estimateBytes([1, 2, 3]) - estimateBytes([1, 2])).toBe(estimateBytes([1, 2]) - estimateBytes([1]));
    expect(estimateBytes('xx')).toBeGreaterThan(estimateBytes('x'));
  });

  it('is at least one byte per character of the values of a job', () => {
    const body = jobBody();
    expect(estimateBytes(body)).toBeGreaterThan(Object.values(body).flat().join('').length);
  });

  it('counts two bytes per character of a long text', () => {
    expect(estimateBytes('ф'.repeat(5000))).toBeGreaterThanOrEqual(10_000);
  });

  it('counts the stack trace of an error', () => {
    const error = new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing');
    expect(estimateBytes(error)).toBeGreaterThan(estimateBytes({ ...error }) + 500);
  });

  it('is the sum of the items and of their array: property', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 10, size: 'max' }), (items) => {
        const container = estimateBytes(items.map(() => null));
        expect(estimateBytes(items)).toBe(items.reduce((sum: number, item) => sum + estimateBytes(item), container));
      }),
    );
  });

  it('counts what is nested deep as it counts the same at the top: property', () => {
    const nest = (value: unknown) => {
      let nested = value;
      for (let level = 0; level < 40; level++) nested = [nested];
      return nested;
    };
    const nesting = estimateBytes(nest(null));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(estimateBytes(nest(value))).toBe(nesting + estimateBytes(value));
      }),
    );
  });

  it('never overflows the stack, for a body of any depth', () => {
    let deep: unknown = 'x';
    for (let n = 0; n < 100_000; n++) deep = [deep];
    expect(estimateBytes(deep)).toBeGreaterThan(3_200_000);
  });
});
