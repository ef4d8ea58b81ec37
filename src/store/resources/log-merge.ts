// A server can insert an event behind a known one, with the same or an older time. So a run of items, which has no gap,
// merges item by item into a known segment: each unknown item goes behind the item that it follows in the run. Known items
// keep their objects and their order: values derived from them stay valid, and a reader passes each of them once.
import { keySetOf, knownKeysOf, moveIndex } from './log-index.ts';
import { keyOf, type LogItem } from './log-item.ts';
import type { LogSegment } from './log-segment.ts';

export interface MergedRun {
  /** Keeps the known `items` array when the run adds nothing. */
  readonly segment: LogSegment;
  /** The known items after a gap: the run ends among unknown items, and more of them can follow. Null without a gap. */
  readonly rest: LogSegment | null;
  /** The items that were unknown. */
  readonly added: readonly LogItem[];
  /** Whether an unknown item went behind a known one. */
  readonly hasInsertions: boolean;
}

/**
 * Merges a run into a segment; null when they share no item. `arrival` is the number of the inserted items. Takes a time in
 * proportion to the run, and to the known items that it spans; others are only copied.
 */
export function mergeRun(known: LogSegment, run: LogSegment, arrival: number): MergedRun | null {
  const items = run.items.filter((item) => keyOf(item) !== null);
  const indexes = indexesOf(known.items, knownKeysOf(known.items, keySetOf(items)));
  if (indexes.size === 0) return null;
  const { first, last, newer, following } = placeUnknown(items, indexes);
  const isAtEnd = last === known.items.length - 1;
  const isOldEnd = isAtEnd && !known.isComplete;
  const isEndKnown = indexOf(items.at(-1), indexes) !== undefined;
  // Behind the oldest event of a complete log, the server has inserted others.
  const hasGap = !run.isComplete && (isAtEnd ? known.isComplete : !isEndKnown);
  const isComplete = !hasGap && (known.isComplete || run.isComplete);
  const rest = hasGap ? { items: known.items.slice(last + 1), isComplete: known.isComplete } : null;
  if (indexes.size === items.length)
    return { segment: { items: known.items, isComplete }, rest, added: [], hasInsertions: false };
  const spanned = [...(first === 0 ? newer : newer.map((added) => ({ ...added, arrival })))];
  const added = [...spanned];
  for (const [offset, item] of known.items.slice(first, last + 1).entries()) {
    spanned.push(item);
    const number = first + offset === last && isOldEnd ? item.arrival : arrival;
    for (const unknown of following.get(first + offset) ?? []) {
      const inserted = { ...unknown, arrival: number };
      spanned.push(inserted);
      added.push(inserted);
    }
  }
  const merged = known.items.slice(0, first).concat(spanned, hasGap ? [] : known.items.slice(last + 1));
  if (!hasGap) moveIndex(known.items, merged, added);
  const insertedAfter = [...following.keys()].filter((index) => index !== last || !isOldEnd);
  return {
    segment: { items: merged, isComplete },
    rest,
    added,
    hasInsertions: insertedAfter.length > 0 || (first > 0 && newer.length > 0),
  };
}

/** Returns the indexes of the items with these keys. Most runs are at one of the two ends, so the search begins at both. */
function indexesOf(items: readonly LogItem[], keys: ReadonlySet<string>): Map<string, number> {
  const indexes = new Map<string, number>();
  const find = (index: number) => {
    const item = items[index];
    const key = item ? keyOf(item) : null;
    if (key !== null && keys.has(key)) indexes.set(key, index);
  };
  for (let [start, end] = [0, items.length - 1]; start <= end && indexes.size < keys.size; start++, end--) {
    find(start);
    find(end);
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
