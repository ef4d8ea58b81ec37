import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPageWorthReading } from '../../../../src/watch/poll/page-plan.ts';

/** Calls for looking at jobs that stand on these pages (0: not in the list), of which only some places are known. */
function callsFor(pages: readonly number[], isKnown: (index: number) => boolean): number {
  let unseen = pages.map((page, index) => ({ page, place: isKnown(index) ? page : undefined }));
  let [pagesRead, found] = [0, 0];
  while (isPageWorthReading({ pagesRead, found, positions: unseen.map(({ place }) => place) }) && pagesRead < 1000) {
    pagesRead++;
    const seen = unseen.filter(({ page }) => page === pagesRead);
    found = seen.filter(({ place }) => place === undefined).length;
    unseen = unseen.filter(({ page }) => page !== pagesRead);
  }
  return pagesRead + unseen.length;
}

describe('jobs whose places are known', () => {
  it('cost the fewest calls there can be', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 60 }), (pages) => {
        const best = Math.min(
          ...Array.from({ length: 41 }, (_, depth) => depth + pages.filter((page) => page > depth).length),
        );
        expect(callsFor(pages, () => true)).toBe(best);
      }),
    );
  });

  it('are found on the next page when new ones have pushed them back', () => {
    expect(isPageWorthReading({ pagesRead: 1, found: 0, positions: [1, 1] })).toBe(true);
    expect(isPageWorthReading({ pagesRead: 1, found: 0, positions: [1] })).toBe(false);
  });
});

describe('jobs whose places are not known', () => {
  it('are asked for one by one when they are few', () => {
    expect(callsFor([12, 12, 13, 14, 20, 31], () => false)).toBe(6);
    expect(callsFor([1], () => false)).toBe(1);
  });

  it('cost the pages that they stand on when they are many', () => {
    const newest = Array.from({ length: 1000 }, (_, index) => 1 + Math.floor(index / 100));
    expect(callsFor(newest, () => false)).toBe(10);
  });

  it('cost little more than one call each when the list does not have them', () => {
    const nowhere = Array.from({ length: 50 }, () => 0);
    expect(callsFor(nowhere, () => false)).toBe(55);
  });
});
