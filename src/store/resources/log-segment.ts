// A log segment is a part of a job's event log without gaps, as an immutable list. Events are newest first. Timestamps
// are equal for many events and ids have no order (docs/upstream.md: Event log), so only ids locate an event: two segments
// are adjacent if they share an id, and each id is stored once. When a read adds nothing, a segment keeps its `items`
// array: values derived from it stay valid.
import type { JobEvent } from '../../upstream/resources/event.ts';
import { type Page, type PageRequest, requireCursorAdvance } from '../../upstream/resources/page.ts';
import { keySetOf, knownKeysOf, moveIndex } from './log-index.ts';
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
  const isAtEnd = index === segment.items.length - 1;
  const newer = isAtEnd ? segment.items : segment.items.slice(0, index + 1);
  const known = knownKeysOf(newer, keySetOf(page.items));
  // Nothing locates items without a key: they can all be different.
  const added = page.items.filter((item) => !known.has(keyOf(item) ?? ''));
  const isComplete = segment.isComplete || !page.hasMore;
  if (newer.length + added.length <= segment.items.length) return { items: segment.items, isComplete };
  const items = newer.concat(added);
  moveIndex(newer, items, added);
  return { items, isComplete };
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
