import type { JobEvent } from '../../upstream/resources/event.ts';
import { goingOn, type Page, type PageItem, type PageRequest } from '../../upstream/resources/page.ts';

/** A stretch of a job's log without gaps, newest first. */
export interface Run {
  readonly items: readonly PageItem<JobEvent>[];
  /** Whether it goes back to the job's first event. */
  readonly isWhole: boolean;
}

export function runOf({ items, hasMore }: Page<JobEvent>): Run {
  return { items, isWhole: !hasMore };
}

/** From where the log goes on behind a run; null when there is no such place. */
export function tailOf({ items }: Run): string | null {
  return items.findLast(({ id }) => id !== null)?.id ?? null;
}

/**
 * Two runs as one, or null when there is a gap between them; either can begin first. Of what both have, each item stands
 * once: time stamps have ties and ids no order, so that only the ids tell where the runs meet.
 */
export function joined(one: Run, other: Run): Run | null {
  const places = new Map(one.items.map(({ id }, place) => [id, place]));
  places.delete(null); // Items without an id tell nothing.
  const inOther = other.items.findIndex(({ id }) => places.has(id));
  if (inOther < 0) return null;
  const inOne = places.get(other.items[inOther]?.id ?? null) ?? 0;
  const isWhole = one.isWhole || other.isWhole;
  const reachesFurther = other.items.length - inOther >= one.items.length - inOne;
  if (inOther >= inOne && reachesFurther) return { items: other.items, isWhole }; // Nothing new: the same array stays.
  const before = longer(one.items.slice(0, inOne), other.items.slice(0, inOther));
  const behind = longer(other.items.slice(inOther), one.items.slice(inOne)); // What is known stays the same objects.
  return { items: before.concat(behind), isWhole };
}

/**
 * A run with the page that was read behind its item `after`; null when the run has no such item. What a server repeats
 * from before that item stands once.
 */
export function extended(run: Run, after: string, page: Page<JobEvent>): Run | null {
  const place = run.items.findLastIndex(({ id }) => id === after);
  if (place < 0) return null;
  const before = run.items.slice(0, place + 1);
  const known = new Set(before.map(({ id }) => id));
  known.delete(null); // Items without an id are no repetition of each other.
  const items = longer(run.items, before.concat(page.items.filter(({ id }) => !known.has(id))));
  return { items, isWhole: run.isWhole || !page.hasMore };
}

// Both begin or end at the same place, and the longer one has all of the other's.
function longer(one: Run['items'], other: Run['items']): Run['items'] {
  return other.length > one.length ? other : one;
}

/** What stands behind an item of a run; null when the run has no such item. */
export function behind({ items, isWhole }: Run, after: string): Run | null {
  const place = items.findLastIndex(({ id }) => id === after);
  return place < 0 ? null : { items: items.slice(place + 1), isWhole };
}

/** Whether a run has so many items, or all there are. */
export function reaches({ items, isWhole }: Run, count: number): boolean {
  return isWhole || items.length >= count;
}

/** The beginning of a run, which stands behind `after`, as a page. Throws as reading it would: see `goingOn`. */
export function pageOf({ items, isWhole }: Run, { limit, after }: PageRequest): Page<JobEvent> {
  return goingOn({ items: items.slice(0, limit), hasMore: items.length > limit || !isWhole }, after);
}
