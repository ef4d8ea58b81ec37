import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignPolls, isPageWorthReading } from '../../../../src/watch/poll/page-plan.ts';

/** Returns the calls of one poll of jobs on these pages (0: not in the list), some of them with known positions. */
function callsFor(pages: readonly number[], isKnown: (index: number) => boolean): number {
  let remaining = pages.map((page, index) => ({ page, position: isKnown(index) ? page : undefined }));
  let [pagesRead, found] = [0, 0];
  while (
    isPageWorthReading({ pagesRead, found, positions: remaining.map(({ position }) => position) }) &&
    pagesRead < 1000
  ) {
    pagesRead++;
    const onPage = remaining.filter(({ page }) => page === pagesRead);
    found = onPage.filter(({ position }) => position === undefined).length;
    remaining = remaining.filter(({ page }) => page !== pagesRead);
  }
  return pagesRead + remaining.length;
}

describe('jobs with known positions', () => {
  it('cost the minimum number of calls', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (pages) => {
        const minCalls = Math.min(
          ...Array.from({ length: 41 }, (_, depth) => depth + pages.filter((page) => page > depth).length),
        );
        expect(callsFor(pages, () => true)).toBe(minCalls);
      }),
    );
  });

  it('are expected on the next page when new jobs have moved them', () => {
    expect(isPageWorthReading({ pagesRead: 1, found: 0, positions: [1, 1] })).toBe(true);
    expect(isPageWorthReading({ pagesRead: 1, found: 0, positions: [1] })).toBe(false);
  });
});

describe('jobs with unknown positions', () => {
  it('are read one by one when they are few', () => {
    expect(callsFor([12, 12, 13, 14, 20, 31], () => false)).toBe(6);
    expect(callsFor([1], () => false)).toBe(1);
  });

  it('cost one call per page when they are many', () => {
    const newest = Array.from({ length: 1000 }, (_, index) => 1 + Math.floor(index / 100));
    expect(callsFor(newest, () => false)).toBe(10);
  });

  it('cost few more calls than single reads when they are not in the list', () => {
    const absent = Array.from({ length: 50 }, () => 0);
    expect(callsFor(absent, () => false)).toBe(55);
  });
});

describe('the next polls of jobs that were read together', () => {
  const aligned = (...times: number[]) => {
    const jobs = times.map((dueAt) => ({ dueAt }));
    alignPolls(jobs, 2000);
    return jobs.map(({ dueAt }) => dueAt);
  };

  it('are due together when they are due within half a poll interval', () => {
    expect(aligned(2000, 2100, 2900, 2400)).toEqual([2900, 2900, 2900, 2900]);
  });

  it('are delayed by at most half a poll interval', () => {
    expect(aligned(2000, 3500, 2600, 9000, Number.POSITIVE_INFINITY)).toEqual([
      2000,
      3500,
      3500,
      9000,
      Number.POSITIVE_INFINITY,
    ]);
  });
});
