// A log segment is a part of a job's event log without gaps, as an immutable list. Events are newest first. Timestamps
// are equal for many events and ids have no order (docs/upstream.md: Event log), so only ids locate an event: two segments
// are adjacent if they share an id, and each id is stored once. When a read adds nothing, a segment keeps its `items`
// array: values derived from it stay valid.
import type { JobEvent } from '../../upstream/resources/event.ts';
import { type Page, type PageRequest, requireCursorAdvance } from '../../upstream/resources/page.ts';
import { keyOf, type LogItem, type LogPage } from './log-item.ts';

/** A part of a job's log without gaps, newest first. */
export interface LogSegment {
  readonly items: readonly LogItem[];
  /** Whether it includes the job's first event. */
  readonly isComplete: boolean;
}

export function segmentOf({ items, hasMore }: LogPage): LogSegment {
  return { items, isComplete: !hasMore };
}

/** Returns the cursor after which older events follow; null when no item has an id. */
export function lastIdOf({ items }: LogSegment): string | null {
  return items.findLast(({ id }) => id !== null)?.id ?? null;
}

/** Appends a page that was read with the cursor `after`; null when the segment lacks that event. Skips repeated events. */
export function appendPage(segment: LogSegment, after: string, page: LogPage): LogSegment | null {
  const index = segment.items.findLastIndex(({ id }) => id === after);
  if (index < 0) return null;
  const newer = segment.items.slice(0, index + 1);
  const newerKeys = new Set(newer.map(keyOf));
  newerKeys.delete(null); // Nothing locates these items: they can all be different.
  const longer = newer.concat(page.items.filter((item) => !newerKeys.has(keyOf(item))));
  const items = longer.length > segment.items.length ? longer : segment.items;
  return { items, isComplete: segment.isComplete || !page.hasMore };
}

/** Returns the events older than the event `after`; null when the segment lacks it. */
export function segmentAfter({ items, isComplete }: LogSegment, after: string): LogSegment | null {
  const index = items.findLastIndex(({ id }) => id === after);
  return index < 0 ? null : { items: items.slice(index + 1), isComplete };
}

/** Whether a segment has at least `count` items, or all there are. */
export function covers({ items, isComplete }: LogSegment, count: number): boolean {
  return isComplete || items.length >= count;
}

/** Returns the start of a segment, which follows the event `after`, as a page. Throws as `requireCursorAdvance` does. */
export function pageOf({ items, isComplete }: LogSegment, { limit, after }: PageRequest): Page<JobEvent> {
  return requireCursorAdvance({ items: items.slice(0, limit), hasMore: items.length > limit || !isComplete }, after);
}
