import { describe, expect, it } from 'vitest';
import { createDailyQuotas, DailyQuotaExceeded } from '../../../src/commands/daily-quota.ts';
import { UpstreamError } from '../../../src/upstream/errors/upstream-error.ts';
import { createTestClock } from '../../kit/clock.ts';

const HOUR = 3_600_000;
const done = async () => 'done';
const failing = (error: Error) => async () => {
  throw error;
};
const outcomeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('what a caller may do in a day', () => {
  it('is done so often, and then not at all before the next day of UTC', async () => {
    const clock = createTestClock(Date.UTC(2026, 0, 1, 20));
    const caps = createDailyQuotas(clock, { create: 2, graderRun: 1 })('a');
    expect([await caps.spend('create', done), await caps.spend('create', done)]).toEqual(['done', 'done']);
    let runs = 0;
    const refusal = await outcomeOf(caps.spend('create', async () => runs++));
    expect(refusal).toBeInstanceOf(DailyQuotaExceeded);
    expect(refusal).toMatchObject({
      retryAfterSeconds: 4 * 3600,
      message: 'Expected at most 2 jobs created of one caller in a day (UTC): see MAX_CREATES_PER_DAY.',
    });
    expect(runs).toBe(0);
    clock.advance(4 * HOUR - 1);
    expect(await outcomeOf(caps.spend('create', done))).toMatchObject({ retryAfterSeconds: 1 });
    clock.advance(1);
    expect(await caps.spend('create', done)).toBe('done');
  });

  it('is counted for each caller and each kind apart', async () => {
    const capsOf = createDailyQuotas(createTestClock(), { create: 1, graderRun: 1 });
    const all = [
      capsOf('a').spend('create', done),
      capsOf('a').spend('graderRun', done),
      capsOf('b').spend('create', done),
    ];
    expect(await Promise.all(all)).toEqual(['done', 'done', 'done']);
    expect(await outcomeOf(capsOf('a').spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });

  it('counts what is under way', async () => {
    const caps = createDailyQuotas(createTestClock(), { create: 1, graderRun: 0 })('a');
    const first = caps.spend('create', done);
    expect(await outcomeOf(caps.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
    await first;
  });

  it('is nothing where none may be, however long one waits', async () => {
    const caps = createDailyQuotas(createTestClock(), { create: 0, graderRun: 0 })('a');
    expect(await outcomeOf(caps.spend('graderRun', done))).toMatchObject({ retryAfterSeconds: null });
  });
});

describe('what was spent', () => {
  const refused = new UpstreamError('UPSTREAM_REJECTED', 'no');
  const unknown = new UpstreamError('UPSTREAM_TIMEOUT', 'silence', {}, undefined, true);

  it.each([
    ['comes back when the upstream has refused it', refused, 'done'],
    ['stays spent when nobody knows whether it was done', unknown, expect.any(DailyQuotaExceeded)],
    ['stays spent when something else fails', new TypeError('ours'), expect.any(DailyQuotaExceeded)],
  ])('%s', async (_, error, next) => {
    const caps = createDailyQuotas(createTestClock(), { create: 1, graderRun: 0 })('a');
    expect(await outcomeOf(caps.spend('create', failing(error)))).toBe(error);
    expect(await outcomeOf(caps.spend('create', done))).toEqual(next);
  });

  it('is given back once, when there was nothing to do', async () => {
    const caps = createDailyQuotas(createTestClock(), { create: 2, graderRun: 0 })('a');
    await caps.spend('create', done);
    await caps.spend('create', async (giveBack) => {
      giveBack();
      giveBack();
    });
    expect(await caps.spend('create', done)).toBe('done');
    expect(await outcomeOf(caps.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });

  it('on one day is not given back on the next', async () => {
    const clock = createTestClock(Date.UTC(2026, 0, 1, 23));
    const caps = createDailyQuotas(clock, { create: 1, graderRun: 0 })('a');
    const gate = Promise.withResolvers<never>();
    const late = outcomeOf(caps.spend('create', () => gate.promise));
    clock.advance(HOUR);
    await caps.spend('create', done);
    gate.reject(refused);
    await late;
    expect(await outcomeOf(caps.spend('create', done))).toBeInstanceOf(DailyQuotaExceeded);
  });
});
