// An item of a job's event log, and what locates it. An event is located by its id, and an item that cannot be read by its
// content. One without content is located by the next older item that has an id: that stays the same when the log grows.
import type { JobEvent } from '../../upstream/resources/event.ts';
import type { Page, PageItem } from '../../upstream/resources/page.ts';

export type LogItem = PageItem<JobEvent> & {
  /**
   * Sequence number of the response that brought the item. Items that paging back adds have the number of the item before
   * them, so a number larger than that of a newer item means: inserted later.
   */
  readonly arrival: number;
  /** Locates an item without an id. Absent on the last items of a page without content: the next page shows them again. */
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
  const unreadableKeys = unreadableKeysOf(items, hasMore);
  for (const item of items) {
    const key = item.id ?? unreadableKeys.get(item) ?? null;
    if (key !== null && seen.has(key)) continue;
    if (key !== null) seen.add(key);
    logItems.push(item.id === null && key !== null ? { ...item, arrival, key } : { ...item, arrival });
  }
  return { items: logItems, hasMore };
}

/** Returns the keys of the items without an id. Equal items are counted from the oldest, so that newer ones change no key. */
function unreadableKeysOf(items: readonly PageItem<JobEvent>[], hasMore: boolean) {
  const keys = new Map<PageItem<JobEvent>, string>();
  const counts = new Map<string, number>();
  let older: string | null = hasMore ? null : ''; // The start of the log.
  let distance = 0;
  for (const item of items.toReversed()) {
    distance = item.id === null ? distance + 1 : 0;
    older = item.id ?? older;
    if (item.id !== null) continue;
    const count = item.digest === undefined ? distance : (counts.get(item.digest) ?? 0) + 1;
    if (item.digest !== undefined) counts.set(item.digest, count);
    const content = item.digest ?? older;
    if (content !== null) keys.set(item, `${content}\n${count}`); // No id has a control character.
  }
  return keys;
}
