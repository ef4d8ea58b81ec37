// An item of a job's event log, and what locates it. An event is located by its id. An item that cannot be read and has no
// id is located by the next older item that has one: that stays the same when the log grows at its head.
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Page, PageItem } from '../../upstream/resources/page.ts';

export type LogItem = PageItem<JobEvent> & {
  /**
   * Sequence number of the response that brought the item. Items that paging back adds have the number of the item before
   * them, so a number larger than that of a newer item means: inserted later.
   */
  readonly arrival: number;
  /** Locates an item without an id. Absent on the last items of a page, whose next older item is on the next page. */
  readonly key?: string;
};

/** A page of a log. Each item is on it once. */
export interface LogPage extends Page<JobEvent> {
  readonly items: readonly LogItem[];
}

/** Returns what locates an item in its log; null when nothing does. */
export function keyOf(item: LogItem): string | null {
  return item.id ?? item.key ?? null;
}

/** Returns the page that arrived with the response number `arrival`. */
export function logPageOf({ items, hasMore }: Page<JobEvent>, arrival: number): LogPage {
  const seen = new Set<string>();
  const logItems: LogItem[] = [];
  for (const [index, item] of items.entries()) {
    const key = item.id ?? unreadableKey(items, index, hasMore);
    if (key !== null && seen.has(key)) continue;
    if (key !== null) seen.add(key);
    logItems.push(item.id === null && key !== null ? { ...item, arrival, key } : { ...item, arrival });
  }
  return { items: logItems, hasMore };
}

function unreadableKey(items: readonly PageItem<JobEvent>[], index: number, hasMore: boolean): string | null {
  const distance = items.slice(index).findIndex(({ id }) => id !== null);
  if (distance >= 0) return `${items[index + distance]?.id}\n${distance}`; // No id has a control character.
  return hasMore ? null : `\n${items.length - index}`; // Counted from the start of the log.
}
