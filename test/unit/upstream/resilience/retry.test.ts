import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_RETRY } from '../../../../src/upstream/errors/upstream-error.ts';
import { isRetryable, waitBeforeRetry } from '../../../../src/upstream/resilience/retry.ts';

const AGAIN = { isRetryable: true };
const tries = fc.nat(30);
const random = fc.double({ min: 0, max: 1, noNaN: true });

describe('another try', () => {
  it.each([408, 409, 429, 500, 502, 503, 504, 529])('is worthwhile after %i', (status) => {
    expect(isRetryable(status, undefined)).toBe(true);
  });

  it.each([200, 302, 400, 401, 402, 403, 404, 405, 413, 422, 501])('is not worthwhile after %i', (status) => {
    expect(isRetryable(status, undefined)).toBe(false);
  });

  it('is what x-should-retry says, whatever the status', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
        expect(isRetryable(status, 'true')).toBe(true);
        expect(isRetryable(status, 'false')).toBe(false);
        expect(isRetryable(status, 'perhaps')).toBe(isRetryable(status, undefined));
      }),
    );
  });
});

describe('the wait before another try', () => {
  it('is none when another try is of no use, however long the upstream wants it to be', () => {
    expect(waitBeforeRetry(NO_RETRY, 0, 0)).toBeNull();
    expect(waitBeforeRetry({ isRetryable: false, afterMs: 10 }, 0, 0)).toBeNull();
  });

  it.each([
    [0, 500],
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [4, 8000],
    [5, 8000],
    [30, 8000],
  ])('after %i tries is %i ms, and at most a quarter less', (count, longest) => {
    expect(waitBeforeRetry(AGAIN, count, 0)).toBe(longest);
    expect(waitBeforeRetry(AGAIN, count, 1)).toBe(longest * 0.75);
  });

  it('is never shorter than the upstream asks, and at most an eighth of a second longer', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 86_400_000, noNaN: true }), tries, random, (afterMs, count, chance) => {
        const waitMs = waitBeforeRetry({ isRetryable: true, afterMs }, count, chance);
        expect(waitMs).toSatisfy(Number.isInteger);
        expect(waitMs).toBeGreaterThanOrEqual(afterMs);
        expect(waitMs).toBeLessThan(afterMs + 126);
      }),
    );
  });

  it('differs between those that failed together', () => {
    expect(waitBeforeRetry(AGAIN, 0, 0.1)).not.toBe(waitBeforeRetry(AGAIN, 0, 0.9));
    const asked = { isRetryable: true, afterMs: 1000 };
    expect(waitBeforeRetry(asked, 0, 0.1)).not.toBe(waitBeforeRetry(asked, 0, 0.9));
  });
});
