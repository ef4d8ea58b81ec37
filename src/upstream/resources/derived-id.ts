// Some servers send items without an id (docs/upstream.md: Lists and cursors). Where the content identifies an item, its id
// is derived from the content: the same on each page and after a restart.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../json/canonical.ts';
import { isWithinDepth } from '../json/depth.ts';
import { isObject, type Members, membersOf } from '../json/members.ts';
import { readTime } from '../json/time.ts';
import type { ListItem } from '../lists/list.ts';
import { MAX_ITEMS } from './page.ts';

const PREFIX = 'derived-';
const COUNT = /-\d+$/;

/**
 * Adds an id to each item of a list's body that lacks one. `identityOf` returns what identifies the item, or null
 * when it cannot be read. Equal items are counted from the oldest, so that newer ones change no id; a page must have all of
 * them (see `endOfWholeGroups`).
 */
export function withDerivedIds(body: unknown, identityOf: (item: Members) => unknown): unknown {
  const { data } = Object(body);
  if (!Array.isArray(data) || data.length > MAX_ITEMS || !data.some(isWithoutId)) return body;
  const counts = new Map<string, number>();
  const withId = (item: unknown): unknown => {
    const id = isWithoutId(item) ? deriveId(item, identityOf) : null;
    if (id === null) return item;
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return { ...Object(item), id: count === 1 ? id : `${id}-${count}` };
  };
  const items = isOldestFirst(data) ? data.map(withId) : data.toReversed().map(withId).reverse();
  return { ...Object(body), data: items };
}

/** Returns null for an item that cannot be read: such as one with too many levels, which nothing else on the page has. */
function deriveId(item: Members, identityOf: (item: Members) => unknown): string | null {
  const identity = isWithinDepth(item) ? identityOf(item) : null; // JSON.stringify recurses.
  if (identity === null) return null;
  return PREFIX + createHash('sha256').update(canonicalJson(identity)).digest('hex').slice(0, 32);
}

/** A text that cannot be an id is no missing id: its item is invalid. */
function isWithoutId(item: unknown): item is Members {
  return isObject(item) && (typeof item['id'] !== 'string' || item['id'] === '');
}

/** Some servers list the oldest items first. */
function isOldestFirst(data: readonly unknown[]): boolean {
  const times = data.flatMap((item) => readTime(membersOf(item)['created_at']) ?? []);
  return (times[0] ?? 0) < (times.at(-1) ?? 0);
}

export const isDerived = (id: string | null): id is string => id?.startsWith(PREFIX) === true;

/**
 * Returns the length of a page without its last items that can have equal ones on the next page: all of the last second, or
 * those equal to the last one. Returns the first such length above `minimum`, or null.
 */
export function endOfWholeGroups(items: readonly ListItem[], minimum: number): number | null {
  const last = items.at(-1);
  if (!last || !isDerived(last.id)) return items.length > minimum ? items.length : null;
  const [second, group] = [secondOf(last), groupOf(last)];
  const lengthWithout = (isLast: (item: ListItem) => boolean) =>
    items.findLastIndex((item) => !(isDerived(item.id) && isLast(item))) + 1;
  const lengths = [
    lengthWithout((item) => secondOf(item) === second),
    lengthWithout((item) => groupOf(item) === group),
  ];
  return lengths.find((length) => length > minimum) ?? null;
}

const secondOf = ({ value }: ListItem) => membersOf(value)['created_at'];
const groupOf = ({ id }: ListItem) => id?.replace(COUNT, '');
