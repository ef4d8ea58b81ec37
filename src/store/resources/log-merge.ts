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
  const isComplete = known.isComplete || run.isComplete;
  if (indexes.size === items.length)
    return { segment: { items: known.items, isComplete }, rest: null, hasInsertions: false };
  const { first, last, newer, following } = placeUnknown(items, indexes);
  const isOldEnd = last === known.items.length - 1 && !known.isComplete;
  const hasGap = !run.isComplete && last < known.items.length - 1 && indexOf(items.at(-1), indexes) === undefined;
  const merged: LogItem[] = [];
  for (const [index, item] of (hasGap ? known.items.slice(0, last + 1) : known.items).entries()) {
    if (index === first) merged.push(...(first === 0 ? newer : newer.map((added) => ({ ...added, arrival }))));
    merged.push(item);
    const number = index === last && isOldEnd ? item.arrival : arrival;
    for (const added of following.get(index) ?? []) merged.push({ ...added, arrival: number });
  }
  const insertedAfter = [...following.keys()].filter((index) => index !== last || !isOldEnd);
  return {
    segment: { items: merged, isComplete: hasGap ? false : isComplete },
    rest: hasGap ? { items: known.items.slice(last + 1), isComplete: known.isComplete } : null,
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

/** Returns the unknown items before the first known one of the run, and those that follow each other known one. */
function placeUnknown(run: readonly LogItem[], indexes: ReadonlyMap<string, number>) {
  const newer: LogItem[] = [];
  const following = new Map<number, LogItem[]>();
  let first: number | undefined;
  let last: number | undefined;
  for (const item of run) {
    const index = indexOf(item, indexes);
    if (index !== undefined) {
      first ??= index;
      last = index;
    } else if (last === undefined) newer.push(item);
    else following.set(last, [...(following.get(last) ?? []), item]);
  }
  return { first: first ?? 0, last: last ?? 0, newer, following };
}
