import { describe, expect, it } from 'vitest';
import { createDailyQuotas, DailyQuotaExceeded } from '../../../src/commands/daily-quota.ts';
import { createMemoryDailyCounts } from '../../../src/state/memory/daily-counts.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import { createTestClock } from '../../kit/clock.ts';

const HOUR = 3_600_000;
const done = async () => 'done';
const failing = (error: Error) => async () => {
  throw error;
};
const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('the daily quota of a caller', () => {
  it('allows the limit, then nothing until midnight UTC', async () => {
    const clock = createTestClock(Date.UTC(2026, 0, 1, 20));
    const quota = createDailyQuotas(createMemoryDailyCounts(clock), { create: 2, graderRun: 1 })('a');
    expect([await quota.spend('create', done), await quota.spend('create', done)]).toEqual(['done', 'done']);
    let runs = 0;
    const error = await outcomeOf(quota.spend('create', async () => runs++));
    expect(error).toBeInstanceOf(DailyQuotaExceeded);
    expect(error).toMatchObject({
      retryAfterSeconds: 4 * 3600,
      message:
        "MAX_CREATES_PER_DAY: the caller's daily quota for creating jobs (2) is used up; it resets at 2026-01-02T00:00:00Z (midnight UTC).",
    });
    expect(runs).toBe(0);
    clock.advance(4 * HOUR - 1);
    expect(await outcomeOf(quota.spend('create', done))).toMatchObject({ retryAfterSeconds: 1 });
    clock.advance(1);
    expect(await quota.spend('create', done)).toBe('done');
  });

  it('is separate for each caller and each operation', async () => {
    const quotaOf = createDailyQuotas(createMemoryDailyCounts(createTestClock()), { create: 1, graderRun: 1 });
    const all = [
      quotaOf('a').spend('create', done),
      quotaOf('a').spend('graderRun', done),
      quotaOf('b').spend('create', done),
    ];
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done']);
    expect(await outcomeOf(quotaOf('a').spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });

  it('counts operations in progress', async () => {
    const quota = createDailyQuotas(createMemoryDailyCounts(createTestClock()), { create: 1, graderRun: 0 })('a');
    const first = quota.spend('create', done);
    expect(await outcomeOf(quota.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
    await first;
  });

  it('allows nothing at a limit of 0, and never resets', async () => {
    const quota = createDailyQuotas(createMemoryDailyCounts(createTestClock()), { create: 0, graderRun: 0 })('a');
    expect(await outcomeOf(quota.spend('graderRun', done))).toMatchObject({
      retryAfterSeconds: null,
      message: 'MAX_GRADER_RUNS_PER_DAY: is 0, which disables running graders; expected at least 1 to allow it.',
    });
  });
});

describe('a unit of the quota', () => {
  const rejected = new UpstreamError('UPSTREAM_REJECTED', 'no');
  const unknown = new UpstreamError('UPSTREAM_TIMEOUT', 'silence', {}, undefined, true);

  it.each([
    ['is refunded when the upstream rejects the operation', rejected, 'done'],
    ['is not refunded when the outcome is unknown', unknown, expect.any(DailyQuotaExceeded)],
    ['is not refunded after any other error', new TypeError('internal'), expect.any(DailyQuotaExceeded)],
  ])('%s', async (_, error, next) => {
    const quota = createDailyQuotas(createMemoryDailyCounts(createTestClock()), { create: 1, graderRun: 0 })('a');
    expect(await outcomeOf(quota.spend('create', failing(error)))).toBe(error);
    expect(await outcomeOf(quota.spend('create', done))).toEqual(next);
  });

  it('is refunded once by refund()', async () => {
    const quota = createDailyQuotas(createMemoryDailyCounts(createTestClock()), { create: 2, graderRun: 0 })('a');
    await quota.spend('create', done);
    await quota.spend('create', async (refund) => {
      refund();
      refund();
    });
    expect(await quota.spend('create', done)).toBe('done');
    expect(await outcomeOf(quota.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });

  it('is not refunded to the quota of the next day', async () => {
    const clock = createTestClock(Date.UTC(2026, 0, 1, 23));
    const quota = createDailyQuotas(createMemoryDailyCounts(clock), { create: 1, graderRun: 0 })('a');
    const pending = Promise.withResolvers<never>();
    const late = outcomeOf(quota.spend('create', () => pending.promise));
    clock.advance(HOUR);
    await quota.spend('create', done);
    pending.reject(rejected);
    await late;
    expect(await outcomeOf(quota.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });
});
