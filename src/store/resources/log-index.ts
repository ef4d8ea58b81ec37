// The keys of a long log, so that a page merges into it in a time that depends on the page only. A log that grows gets a new
// array of items; its index moves there, and only the new items are added.
import { keyOf, type LogItem } from './log-item.ts';

type Items = readonly LogItem[];

/** Bytes of one item in an index. Measured. */
export const INDEX_BYTES_PER_ITEM = 40;

/** An array with fewer items has no index: a scan takes less time than the index saves. */
const MIN_INDEXED = 500;

const indexes = new WeakMap<Items, Set<string>>();

/** Returns the keys among `keys` that some of the items have. */
export function knownKeysOf(items: Items, keys: ReadonlySet<string>): ReadonlySet<string> {
  if (items.length < MIN_INDEXED) return keys.intersection(keySetOf(items));
  let index = indexes.get(items);
  if (index === undefined) {
    index = keySetOf(items);
    indexes.set(items, index);
  }
  return keys.intersection(index);
}

/** Moves the index of `items` to an array that has the same items and `added`. */
export function moveIndex(items: Items, longer: Items, added: Items): void {
  const index = indexes.get(items);
  if (index === undefined) return;
  indexes.delete(items);
  addKeys(index, added);
  indexes.set(longer, index);
}

/** Returns the keys of all items that have one. */
export function keySetOf(items: Items): Set<string> {
  const keys = new Set<string>();
  addKeys(keys, items);
  return keys;
}

function addKeys(keys: Set<string>, items: Items): void {
  for (const item of items) {
    const key = keyOf(item);
    if (key !== null) keys.add(key);
  }
}
