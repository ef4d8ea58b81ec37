import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_RETRY } from '../../../../src/upstream/errors/upstream-error.ts';
import { isRetryable, waitBeforeRetry } from '../../../../src/upstream/resilience/retry.ts';

const RETRYABLE = { isRetryable: true };
const retryCounts = fc.nat(30);
const random = fc.double({ min: 0, max: 1, noNaN: true });

describe('a response', () => {
  it.each([408, 409, 429, 500, 502, 503, 504, 529])('is retryable with %i', (status) => {
    expect(isRetryable(status, undefined)).toBe(true);
  });

  it.each([200, 302, 400, 401, 402, 403, 404, 405, 413, 422, 501])('is not retryable with %i', (status) => {
    expect(isRetryable(status, undefined)).toBe(false);
  });

  it('is retryable according to x-should-retry under any status: property', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
        expect(isRetryable(status, 'true')).toBe(true);
        expect(isRetryable(status, 'false')).toBe(false);
        expect(isRetryable(status, 'perhaps')).toBe(isRetryable(status, undefined));
      }),
    );
  });
});

describe('the wait before a retry', () => {
  it('is null when the failure is not retryable, even with retry-after', () => {
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
  ])('after %i retries is %i ms, and at most a quarter less', (count, maxMs) => {
    expect(waitBeforeRetry(RETRYABLE, count, 0)).toBe(maxMs);
    expect(waitBeforeRetry(RETRYABLE, count, 1)).toBe(maxMs * 0.75);
  });

  it('is never shorter than retry-after, and at most an eighth of a second longer: property', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 86_400_000, noNaN: true }),
        retryCounts,
        random,
        (afterMs, count, chance) => {
          const waitMs = waitBeforeRetry({ isRetryable: true, afterMs }, count, chance);
          expect(waitMs).toSatisfy(Number.isInteger);
          expect(waitMs).toBeGreaterThanOrEqual(afterMs);
          expect(waitMs).toBeLessThan(afterMs + 126);
        },
      ),
    );
  });

  it('has jitter, so that calls that failed together are not retried together', () => {
    expect(waitBeforeRetry(RETRYABLE, 0, 0.1)).not.toBe(waitBeforeRetry(RETRYABLE, 0, 0.9));
    const retryAfter = { isRetryable: true, afterMs: 1000 };
    expect(waitBeforeRetry(retryAfter, 0, 0.1)).not.toBe(waitBeforeRetry(retryAfter, 0, 0.9));
  });
});
