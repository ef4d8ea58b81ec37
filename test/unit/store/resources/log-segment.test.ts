import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendPage,
  covers,
  type LogSegment,
  lastIdOf,
  mergeSegments,
  pageOf,
  segmentAfter,
  segmentOf,
} from '../../../../src/store/resources/log-segment.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { JobEvent } from '../../../../src/upstream/resources/event.ts';
import type { PageItem } from '../../../../src/upstream/resources/page.ts';
import { createTrueLog } from '../../../kit/store/true-log.ts';

const log = createTrueLog();
log.grow(40);
const { items } = log;
const idAt = (index: number) => items[index]?.id ?? '';
const invalidItem: PageItem<JobEvent> = {
  id: null,
  error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing'),
};

/** The segment between two indexes of the log. */
const segment = (from: number, to: number): LogSegment => ({
  items: items.slice(from, to),
  isComplete: to >= items.length,
});
const anySegment = fc
  .tuple(fc.nat(items.length - 1), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]) => ({ from, to: Math.min(items.length, from + length) }));

describe('mergeSegments', () => {
  it('returns the union of two segments that share an event, in either order: property', () => {
    fc.assert(
      fc.property(anySegment, anySegment, (a, b) => {
        fc.pre(Math.max(a.from, b.from) < Math.min(a.to, b.to));
        expect(mergeSegments(segment(a.from, a.to), segment(b.from, b.to))).toEqual(
          segment(Math.min(a.from, b.from), Math.max(a.to, b.to)),
        );
      }),
    );
  });

  it('keeps the array of the known segment when the new one adds nothing', () => {
    const known = segment(0, 20);
    expect(mergeSegments(segment(0, 5), known)?.items).toBe(known.items);
    expect(mergeSegments(segment(0, 20), known)?.items).toBe(known.items);
    expect(mergeSegments(segment(0, 21), known)?.items).not.toBe(known.items);
  });

  it('returns null when they share no event: property', () => {
    fc.assert(
      fc.property(anySegment, anySegment, (a, b) => {
        fc.pre(Math.max(a.from, b.from) >= Math.min(a.to, b.to));
        expect(mergeSegments(segment(a.from, a.to), segment(b.from, b.to))).toBeNull();
      }),
    );
  });

  it('does not match items without an id', () => {
    expect(
      mergeSegments({ items: [invalidItem], isComplete: false }, { items: [invalidItem], isComplete: true }),
    ).toBeNull();
    expect(mergeSegments({ items: [invalidItem, ...items.slice(0, 2)], isComplete: false }, segment(1, 4))).toEqual({
      items: [invalidItem, ...items.slice(0, 4)],
      isComplete: false,
    });
  });
});

describe('appendPage', () => {
  it('adds the page after its cursor, and removes nothing: property', () => {
    fc.assert(
      fc.property(anySegment, fc.nat(), fc.integer({ min: 1, max: 30 }), ({ from, to }, offset, limit) => {
        const at = from + (offset % (to - from));
        const page = log.page({ limit, after: idAt(at) });
        expect(appendPage(segment(from, to), idAt(at), page)).toEqual(segment(from, Math.max(to, at + 1 + limit)));
      }),
    );
  });

  it('returns null when the segment lacks the cursor', () => {
    expect(appendPage(segment(0, 5), idAt(5), log.page({ limit: 5, after: idAt(5) }))).toBeNull();
  });

  it('completes the segment with the last page, even an empty one', () => {
    const all = { items, isComplete: false };
    expect(appendPage(all, idAt(39), { items: [], hasMore: false })).toEqual({ items, isComplete: true });
  });
});

describe('a segment', () => {
  it('is complete exactly when its page has no more behind it', () => {
    expect(segmentOf(log.page({ limit: 40, after: null })).isComplete).toBe(true);
    expect(segmentOf(log.page({ limit: 39, after: null })).isComplete).toBe(false);
  });

  it('has the last item with an id as its cursor', () => {
    expect(lastIdOf({ items: [...items.slice(0, 2), invalidItem], isComplete: false })).toBe(idAt(1));
    expect(lastIdOf({ items: [invalidItem], isComplete: false })).toBeNull();
  });

  it('returns the events after one of its own, and null for another event', () => {
    expect(segmentAfter(segment(0, 5), idAt(1))).toEqual(segment(2, 5));
    expect(segmentAfter(segment(0, 5), idAt(4))).toEqual({ items: [], isComplete: false });
    expect(segmentAfter(segment(0, 5), idAt(9))).toBeNull();
  });

  it('covers as many events as it has, and any number when it is complete', () => {
    expect([4, 5, 6].map((count) => covers(segment(0, 5), count))).toEqual([true, true, false]);
    expect(covers(segment(38, 40), 100)).toBe(true);
  });

  it.each([
    ['shorter than the segment', 3, true],
    ['as long as the segment', 5, true],
  ])('returns a page %s with hasMore', (_, limit, hasMore) => {
    expect(pageOf(segment(0, 5), { limit, after: null })).toEqual({ items: items.slice(0, limit), hasMore });
  });

  it('returns a page without hasMore when it is complete and fits', () => {
    expect(pageOf(segment(35, 40), { limit: 5, after: idAt(34) }).hasMore).toBe(false);
    expect(pageOf(segment(35, 40), { limit: 4, after: idAt(34) }).hasMore).toBe(true);
  });

  it.each([null, 'ftevent-before'])(
    'throws for a page with more behind it that does not advance the cursor %s',
    (after) => {
      const unreadableStart = { items: [invalidItem, ...items.slice(0, 2)], isComplete: false };
      expect(() => pageOf(unreadableStart, { limit: 1, after })).toThrow(UpstreamError);
      expect(pageOf(unreadableStart, { limit: 2, after }).items).toHaveLength(2);
    },
  );
});
