// A log segment is a part of a job's event log without gaps, as an immutable list. Events are newest first. Timestamps
// are equal for many events and ids have no order (docs/upstream.md: Event log), so only ids locate an event: two segments
// are adjacent if they share an id, and each id is stored once. Items without a readable id are stored, but locate
// nothing. When a read adds nothing, a segment keeps its `items` array: values derived from it stay valid.
import type { JobEvent } from '../../upstream/resources/event.ts';
import { type Page, type PageItem, type PageRequest, requireCursorAdvance } from '../../upstream/resources/page.ts';

/** A part of a job's log without gaps, newest first. */
export interface LogSegment {
  readonly items: readonly PageItem<JobEvent>[];
  /** Whether it includes the job's first event. */
  readonly isComplete: boolean;
}

export function segmentOf({ items, hasMore }: Page<JobEvent>): LogSegment {
  return { items, isComplete: !hasMore };
}

/** Returns the cursor after which older events follow; null when no item has an id. */
export function lastIdOf({ items }: LogSegment): string | null {
  return items.findLast(({ id }) => id !== null)?.id ?? null;
}

/** Returns the union of two segments that share an event; null otherwise. Either can start with the newer event. */
export function mergeSegments(one: LogSegment, other: LogSegment): LogSegment | null {
  const indexes = new Map(one.items.map(({ id }, index) => [id, index]));
  indexes.delete(null); // Items without an id are all different.
  const inOther = other.items.findIndex(({ id }) => indexes.has(id));
  if (inOther < 0) return null;
  const inOne = indexes.get(other.items[inOther]?.id ?? null) ?? 0;
  const isComplete = one.isComplete || other.isComplete;
  const reachesFurther = other.items.length - inOther >= one.items.length - inOne;
  if (inOther >= inOne && reachesFurther) return { items: other.items, isComplete }; // Nothing new: keep the array.
  const newer = longer(one.items.slice(0, inOne), other.items.slice(0, inOther));
  const older = longer(other.items.slice(inOther), one.items.slice(inOne)); // Prefers the known objects.
  return { items: newer.concat(older), isComplete };
}

/** Appends a page that was read with the cursor `after`; null when the segment lacks that event. Skips repeated events. */
export function appendPage(segment: LogSegment, after: string, page: Page<JobEvent>): LogSegment | null {
  const index = segment.items.findLastIndex(({ id }) => id === after);
  if (index < 0) return null;
  const newer = segment.items.slice(0, index + 1);
  const newerIds = new Set(newer.map(({ id }) => id));
  newerIds.delete(null); // Items without an id are all different.
  const items = longer(segment.items, newer.concat(page.items.filter(({ id }) => !newerIds.has(id))));
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

// Both start or end at the same event, so the longer one contains the other.
function longer(one: LogSegment['items'], other: LogSegment['items']): LogSegment['items'] {
  return other.length > one.length ? other : one;
}
