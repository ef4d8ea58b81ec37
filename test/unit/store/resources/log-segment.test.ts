import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogItem, logPageOf } from '../../../../src/store/resources/log-item.ts';
import { mergeRun } from '../../../../src/store/resources/log-merge.ts';
import {
  appendPage,
  covers,
  type LogSegment,
  lastIdOf,
  pageOf,
  segmentAfter,
  segmentOf,
} from '../../../../src/store/resources/log-segment.ts';
import { UpstreamError } from '../../../../src/upstream/errors/upstream-error.ts';
import type { PageRequest } from '../../../../src/upstream/resources/page.ts';
import { createTrueLog } from '../../../kit/store/true-log.ts';

const log = createTrueLog();
log.grow(40);
const pageAt = (request: PageRequest) => logPageOf(log.page(request), 1);
const { items } = pageAt({ limit: 40, after: null });
const idAt = (index: number) => items[index]?.id ?? '';
const invalidItem: LogItem = {
  id: null,
  error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing'),
  arrival: 1,
};

/** The segment between two indexes of the log. */
const segment = (from: number, to: number): LogSegment => ({
  items: items.slice(from, to),
  isComplete: to >= items.length,
});
const anySegment = fc
  .tuple(fc.nat(items.length - 1), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]) => ({ from, to: Math.min(items.length, from + length) }));

describe('mergeRun', () => {
  it('returns the union of two segments that share an event, in either order: property', () => {
    fc.assert(
      fc.property(anySegment, anySegment, (a, b) => {
        fc.pre(Math.max(a.from, b.from) < Math.min(a.to, b.to));
        const added = segment(b.from, b.to).items.filter(
          (_, offset) => b.from + offset < a.from || b.from + offset >= a.to,
        );
        expect(mergeRun(segment(a.from, a.to), segment(b.from, b.to), 2)).toEqual({
          segment: segment(Math.min(a.from, b.from), Math.max(a.to, b.to)),
          rest: null,
          added,
          hasInsertions: false,
        });
      }),
    );
  });

  it('keeps the array of the known segment when the run adds nothing', () => {
    const known = segment(0, 20);
    expect(mergeRun(known, segment(0, 5), 2)?.segment.items).toBe(known.items);
    expect(mergeRun(known, segment(0, 20), 2)?.segment.items).toBe(known.items);
    expect(mergeRun(known, segment(0, 21), 2)?.segment.items).not.toBe(known.items);
  });

  it('returns null when they share no event: property', () => {
    fc.assert(
      fc.property(anySegment, anySegment, (a, b) => {
        fc.pre(Math.max(a.from, b.from) >= Math.min(a.to, b.to));
        expect(mergeRun(segment(a.from, a.to), segment(b.from, b.to), 2)).toBeNull();
      }),
    );
  });

  it('does not match items that nothing locates', () => {
    const unlocated = { items: [invalidItem], isComplete: false };
    expect(mergeRun(unlocated, { ...unlocated, isComplete: true }, 2)).toBeNull();
  });

  it('puts unknown events where the run has them, and keeps the known objects: property', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(39), { minLength: 1, maxLength: 39 }), anySegment, (indexes, { from, to }) => {
        const run = segment(from, to);
        const unknown = new Set(indexes.map(idAt));
        const known = { items: items.filter(({ id }) => !unknown.has(id ?? '')), isComplete: false };
        fc.pre(run.items.some((item) => known.items.includes(item)) && known.items.includes(items[to - 1] as LogItem));
        const copy = { ...run, items: run.items.map((item) => ({ ...item, arrival: 2 })) };
        const merged = mergeRun(known, copy, 2)?.segment.items ?? [];
        const expected = items.filter((item) => known.items.includes(item) || run.items.includes(item));
        expect(merged.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        for (const item of known.items) expect(merged).toContain(item);
      }),
    );
  });

  it('gives inserted events the number of the response, and events at the old end that of the event before them', () => {
    const known = { items: [items[1], items[3]] as LogItem[], isComplete: false };
    const run = { items: segment(0, 6).items.map((item) => ({ ...item, arrival: 7 })), isComplete: false };
    const merged = mergeRun(known, run, 7);
    expect(merged?.segment.items.map(({ arrival }) => arrival)).toEqual([7, 1, 7, 1, 1, 1]);
    expect(merged).toMatchObject({ hasInsertions: true, rest: null });
  });

  it('leaves a gap when the run ends among unknown events before known ones', () => {
    const known = { items: [items[0], items[4], items[5]] as LogItem[], isComplete: true };
    expect(mergeRun(known, segment(0, 3), 2)).toMatchObject({
      segment: { items: items.slice(0, 3).map(({ id }) => ({ id })), isComplete: false },
      rest: { items: [items[4], items[5]], isComplete: true },
    });
  });
});

describe('appendPage', () => {
  it('adds the page after its cursor, and removes nothing: property', () => {
    fc.assert(
      fc.property(anySegment, fc.nat(), fc.integer({ min: 1, max: 30 }), ({ from, to }, offset, limit) => {
        const at = from + (offset % (to - from));
        const page = pageAt({ limit, after: idAt(at) });
        expect(appendPage(segment(from, to), idAt(at), page)).toEqual(segment(from, Math.max(to, at + 1 + limit)));
      }),
    );
  });

  it('returns null when the segment lacks the cursor', () => {
    expect(appendPage(segment(0, 5), idAt(5), pageAt({ limit: 5, after: idAt(5) }))).toBeNull();
  });

  it('completes the segment with the last page, even an empty one', () => {
    const all = { items, isComplete: false };
    expect(appendPage(all, idAt(39), { items: [], hasMore: false })).toEqual({ items, isComplete: true });
  });
});

describe('a segment', () => {
  it('is complete exactly when its page has no more behind it', () => {
    expect(segmentOf(pageAt({ limit: 40, after: null })).isComplete).toBe(true);
    expect(segmentOf(pageAt({ limit: 39, after: null })).isComplete).toBe(false);
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
