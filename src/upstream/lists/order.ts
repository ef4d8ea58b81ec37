import type { ListItem, Order } from './list.ts';

/** Compares the ages of two items: negative when the first is older. Both are valid. */
export type CompareAge<I> = (one: I, other: I) => number;

/** The order of a list, and by how many neighbors of different age it is shown. */
export interface ShownOrder {
  readonly order: Order;
  readonly evidence: number;
}

/** Neighbors in one order for each neighbor in the other. Clocks of different machines differ, so a log can have some. */
const MIN_RATIO = 3;

/** Returns the order in which a server has listed these items. Null when all have the same age, or there is no order. */
export function shownOrder<I extends ListItem>(items: readonly I[], compareAge: CompareAge<I>): ShownOrder | null {
  let [newer, older] = [0, 0];
  let previous: I | undefined;
  for (const item of items.filter(hasAge)) {
    const age = previous === undefined ? 0 : compareAge(item, previous);
    if (age > 0) newer++;
    if (age < 0) older++;
    previous = item;
  }
  const evidence = Math.abs(newer - older);
  if (newer > 0 && newer >= MIN_RATIO * older) return { order: 'oldest first', evidence };
  return older > 0 && older >= MIN_RATIO * newer ? { order: 'newest first', evidence } : null;
}

const hasAge = ({ value }: ListItem) => value !== undefined;

/** More evidence than this counts as this much, so that a server can change its order. */
const MAX_EVIDENCE = 3;

/** Returns the order to assume: the shown one, unless there is more evidence of the known one. */
export function mergeOrder(known: ShownOrder | undefined, shown: ShownOrder | null): ShownOrder | undefined {
  if (shown === null) return known;
  if (known !== undefined && known.order !== shown.order && shown.evidence < known.evidence) return known;
  const before = known?.order === shown.order ? known.evidence : 0;
  return { order: shown.order, evidence: Math.min(MAX_EVIDENCE, Math.max(before, shown.evidence)) };
}

/** Sorts by age. Items of one age keep their order; an invalid item stays behind the one before it. */
export function sortByAge<I extends ListItem>(
  items: readonly I[],
  wanted: Order,
  compareAge: CompareAge<I>,
): readonly I[] {
  const direction = wanted === 'oldest first' ? 1 : -1;
  let aged = items.find(hasAge);
  if (aged === undefined) return items;
  const keyed: { item: I; aged: I }[] = [];
  for (const item of items) {
    if (hasAge(item)) aged = item;
    keyed.push({ item, aged });
  }
  return keyed.sort((one, other) => direction * compareAge(one.aged, other.aged)).map(({ item }) => item);
}
