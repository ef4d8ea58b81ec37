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

const truth = createTrueLog();
truth.grow(40);
const { items } = truth;
const idAt = (index: number) => items[index]?.id ?? '';
const bad: PageItem<JobEvent> = { id: null, error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'id: missing') };

/** The stretch of the log from one place to another, whole where it goes back to the first event. */
const stretch = (from: number, to: number): LogSegment => ({
  items: items.slice(from, to),
  isComplete: to >= items.length,
});
const anyStretch = fc
  .tuple(fc.nat(items.length - 1), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]) => ({ from, to: Math.min(items.length, from + length) }));

describe('joined', () => {
  it('is the stretch that both cover when they share an event, whichever begins first: property', () => {
    fc.assert(
      fc.property(anyStretch, anyStretch, (a, b) => {
        fc.pre(Math.max(a.from, b.from) < Math.min(a.to, b.to));
        expect(mergeSegments(stretch(a.from, a.to), stretch(b.from, b.to))).toEqual(
          stretch(Math.min(a.from, b.from), Math.max(a.to, b.to)),
        );
      }),
    );
  });

  it('is the very array of the older one when the newer brings nothing, so that what was made of it still holds', () => {
    const older = stretch(0, 20);
    expect(mergeSegments(stretch(0, 5), older)?.items).toBe(older.items);
    expect(mergeSegments(stretch(0, 20), older)?.items).toBe(older.items);
    expect(mergeSegments(stretch(0, 21), older)?.items).not.toBe(older.items);
  });

  it('is null when they share none: property', () => {
    fc.assert(
      fc.property(anyStretch, anyStretch, (a, b) => {
        fc.pre(Math.max(a.from, b.from) >= Math.min(a.to, b.to));
        expect(mergeSegments(stretch(a.from, a.to), stretch(b.from, b.to))).toBeNull();
      }),
    );
  });

  it('is not misled by items without an id, which all look alike', () => {
    expect(mergeSegments({ items: [bad], isComplete: false }, { items: [bad], isComplete: true })).toBeNull();
    expect(mergeSegments({ items: [bad, ...items.slice(0, 2)], isComplete: false }, stretch(1, 4))).toEqual({
      items: [bad, ...items.slice(0, 4)],
      isComplete: false,
    });
  });
});

describe('extended', () => {
  it('adds what was read behind an event, and takes nothing off: property', () => {
    fc.assert(
      fc.property(anyStretch, fc.nat(), fc.integer({ min: 1, max: 30 }), ({ from, to }, place, limit) => {
        const at = from + (place % (to - from));
        const page = truth.page({ limit, after: idAt(at) });
        expect(appendPage(stretch(from, to), idAt(at), page)).toEqual(stretch(from, Math.max(to, at + 1 + limit)));
      }),
    );
  });

  it('is null when the run has no such event', () => {
    expect(appendPage(stretch(0, 5), idAt(5), truth.page({ limit: 5, after: idAt(5) }))).toBeNull();
  });

  it('knows the end by a page that says that it is the last, even an empty one', () => {
    const all = { items, isComplete: false };
    expect(appendPage(all, idAt(39), { items: [], hasMore: false })).toEqual({ items, isComplete: true });
  });
});

describe('a run', () => {
  it('is whole exactly when its page has nothing behind it', () => {
    expect(segmentOf(truth.page({ limit: 40, after: null })).isComplete).toBe(true);
    expect(segmentOf(truth.page({ limit: 39, after: null })).isComplete).toBe(false);
  });

  it('goes on behind its last item that has an id', () => {
    expect(lastIdOf({ items: [...items.slice(0, 2), bad], isComplete: false })).toBe(idAt(1));
    expect(lastIdOf({ items: [bad], isComplete: false })).toBeNull();
  });

  it('gives what stands behind one of its events, and null for another', () => {
    expect(segmentAfter(stretch(0, 5), idAt(1))).toEqual(stretch(2, 5));
    expect(segmentAfter(stretch(0, 5), idAt(4))).toEqual({ items: [], isComplete: false });
    expect(segmentAfter(stretch(0, 5), idAt(9))).toBeNull();
  });

  it('reaches as far as it has items, and as far as one likes when it is whole', () => {
    expect([4, 5, 6].map((count) => covers(stretch(0, 5), count))).toEqual([true, true, false]);
    expect(covers(stretch(38, 40), 100)).toBe(true);
  });

  it.each([
    ['shorter than the run', 3, true],
    ['as long as the run', 5, true],
  ])('gives a page %s that has more', (_, limit, hasMore) => {
    expect(pageOf(stretch(0, 5), { limit, after: null })).toEqual({ items: items.slice(0, limit), hasMore });
  });

  it('gives a page without more when it is whole and fits', () => {
    expect(pageOf(stretch(35, 40), { limit: 5, after: idAt(34) }).hasMore).toBe(false);
    expect(pageOf(stretch(35, 40), { limit: 4, after: idAt(34) }).hasMore).toBe(true);
  });

  it.each([null, 'ftevent-before'])(
    'gives no page that would send a client back to its cursor %s for ever',
    (after) => {
      const run = { items: [bad, ...items.slice(0, 2)], isComplete: false };
      expect(() => pageOf(run, { limit: 1, after })).toThrow(UpstreamError);
      expect(pageOf(run, { limit: 2, after }).items).toHaveLength(2);
    },
  );
});
