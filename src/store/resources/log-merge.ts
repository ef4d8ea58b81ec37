// A server can insert an event behind a known one, with the same or an older time. So a run of items, which has no gap,
// merges item by item into a known segment: each unknown item goes behind the item that it follows in the run. Known items
// keep their objects and their order: values derived from them stay valid, and a reader passes each of them once.
import { keyOf, type LogItem } from './log-item.ts';
import type { LogSegment } from './log-segment.ts';

export interface MergedRun {
  /** Keeps the known `items` array when the run adds nothing. */
  readonly segment: LogSegment;
  /** The known items after a gap: the run ends among unknown items, and more of them can follow. Null without a gap. */
  readonly rest: LogSegment | null;
  /** Whether an unknown item went behind a known one. */
  readonly hasInsertions: boolean;
}

/** Merges a run into a segment; null when they share no item. `arrival` is the number of the inserted items. */
export function mergeRun(known: LogSegment, run: LogSegment, arrival: number): MergedRun | null {
  const items = run.items.filter((item) => keyOf(item) !== null);
  const indexes = indexesOf(items, known.items);
  if (indexes.size === 0) return null;
  const { first, last, newer, following } = placeUnknown(items, indexes);
  const isAtEnd = last === known.items.length - 1;
  const isOldEnd = isAtEnd && !known.isComplete;
  const isEndKnown = indexOf(items.at(-1), indexes) !== undefined;
  // Behind the oldest event of a complete log, the server has inserted others.
  const hasGap = !run.isComplete && (isAtEnd ? known.isComplete : !isEndKnown);
  const isComplete = !hasGap && (known.isComplete || run.isComplete);
  const rest = hasGap ? { items: known.items.slice(last + 1), isComplete: known.isComplete } : null;
  if (indexes.size === items.length) return { segment: { items: known.items, isComplete }, rest, hasInsertions: false };
  const merged: LogItem[] = [];
  for (const [index, item] of (hasGap ? known.items.slice(0, last + 1) : known.items).entries()) {
    if (index === first) merged.push(...(first === 0 ? newer : newer.map((added) => ({ ...added, arrival }))));
    merged.push(item);
    const number = index === last && isOldEnd ? item.arrival : arrival;
    for (const added of following.get(index) ?? []) merged.push({ ...added, arrival: number });
  }
  const insertedAfter = [...following.keys()].filter((index) => index !== last || !isOldEnd);
  return {
    segment: { items: merged, isComplete },
    rest,
    hasInsertions: insertedAfter.length > 0 || (first > 0 && newer.length > 0),
  };
}

/** Returns the indexes of the known items of a run, by their keys. */
function indexesOf(run: readonly LogItem[], known: readonly LogItem[]): Map<string, number> {
  const keys = new Set(run.map(keyOf));
  const indexes = new Map<string, number>();
  for (const [index, item] of known.entries()) {
    if (indexes.size === keys.size) break; // A poll without news ends here: the log can be long.
    const key = keyOf(item);
    if (key !== null && keys.has(key)) indexes.set(key, index);
  }
  return indexes;
}

const indexOf = (item: LogItem | undefined, indexes: ReadonlyMap<string, number>) =>
  item && indexes.get(keyOf(item) ?? '');

/**
 * Returns the unknown items before the known ones of the run, and those that follow each of them. Known items that the run
 * has in another order count as they are known: the run reaches from the smallest index to the greatest.
 */
function placeUnknown(run: readonly LogItem[], indexes: ReadonlyMap<string, number>) {
  const newer: LogItem[] = [];
  const following = new Map<number, LogItem[]>();
  let last: number | undefined;
  for (const item of run) {
    const index = indexOf(item, indexes);
    if (index !== undefined) {
      last = Math.max(last ?? 0, index);
      continue;
    }
    const added = last === undefined ? newer : (following.get(last) ?? []);
    added.push(item);
    if (last !== undefined) following.set(last, added);
  }
  const first = indexes.values().reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  return { first, last: last ?? 0, newer, following };
}
