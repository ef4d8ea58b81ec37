import type { JobEvent } from '../../upstream/resources/event.ts';
import { type Page, type PageItem, type PageRequest, requireCursorAdvance } from '../../upstream/resources/page.ts';

/** A stretch of a job's log without gaps, newest first. */
export interface LogSegment {
  readonly items: readonly PageItem<JobEvent>[];
  /** Whether it goes back to the job's first event. */
  readonly isComplete: boolean;
}

export function segmentOf({ items, hasMore }: Page<JobEvent>): LogSegment {
  return { items, isComplete: !hasMore };
}

/** From where the log goes on behind a run; null when there is no such place. */
export function lastIdOf({ items }: LogSegment): string | null {
  return items.findLast(({ id }) => id !== null)?.id ?? null;
}

/**
 * Two runs as one, or null when there is a gap between them; either can begin first. Of what both have, each item stands
 * once: time stamps have ties and ids no order, so that only the ids tell where the runs meet.
 */
export function mergeSegments(one: LogSegment, other: LogSegment): LogSegment | null {
  const places = new Map(one.items.map(({ id }, place) => [id, place]));
  places.delete(null); // Items without an id tell nothing.
  const inOther = other.items.findIndex(({ id }) => places.has(id));
  if (inOther < 0) return null;
  const inOne = places.get(other.items[inOther]?.id ?? null) ?? 0;
  const isComplete = one.isComplete || other.isComplete;
  const reachesFurther = other.items.length - inOther >= one.items.length - inOne;
  if (inOther >= inOne && reachesFurther) return { items: other.items, isComplete }; // Nothing new: the same array stays.
  const before = longer(one.items.slice(0, inOne), other.items.slice(0, inOther));
  const behind = longer(other.items.slice(inOther), one.items.slice(inOne)); // What is known stays the same objects.
  return { items: before.concat(behind), isComplete };
}

/**
 * A run with the page that was read behind its item `after`; null when the run has no such item. What a server repeats
 * from before that item stands once.
 */
export function appendPage(run: LogSegment, after: string, page: Page<JobEvent>): LogSegment | null {
  const place = run.items.findLastIndex(({ id }) => id === after);
  if (place < 0) return null;
  const before = run.items.slice(0, place + 1);
  const known = new Set(before.map(({ id }) => id));
  known.delete(null); // Items without an id are no repetition of each other.
  const items = longer(run.items, before.concat(page.items.filter(({ id }) => !known.has(id))));
  return { items, isComplete: run.isComplete || !page.hasMore };
}

// Both begin or end at the same place, and the longer one has all of the other's.
function longer(one: LogSegment['items'], other: LogSegment['items']): LogSegment['items'] {
  return other.length > one.length ? other : one;
}

/** What stands behind an item of a run; null when the run has no such item. */
export function segmentAfter({ items, isComplete }: LogSegment, after: string): LogSegment | null {
  const place = items.findLastIndex(({ id }) => id === after);
  return place < 0 ? null : { items: items.slice(place + 1), isComplete };
}

/** Whether a run has so many items, or all there are. */
export function covers({ items, isComplete }: LogSegment, count: number): boolean {
  return isComplete || items.length >= count;
}

/** The beginning of a run, which stands behind `after`, as a page. Throws as reading it would: see `goingOn`. */
export function pageOf({ items, isComplete }: LogSegment, { limit, after }: PageRequest): Page<JobEvent> {
  return requireCursorAdvance({ items: items.slice(0, limit), hasMore: items.length > limit || !isComplete }, after);
}
