import type { ListItem, Order } from './list.ts';

/** Compares the ages of two items: negative when the first is older. Both are valid. */
export type CompareAge<I> = (one: I, other: I) => number;

/** How the ages of items are known. */
export interface Ages<I> {
  /** Compares them by time. */
  readonly compareAge: CompareAge<I>;
  /** Returns the step of an item, or null. Of items of one time, that of the later step is newer. */
  readonly stepOf?: (item: I) => number | null;
}

/** The order that items show; null when their times contradict each other. */
export interface ShownOrder {
  readonly order: Order | null;
  /** Whether enough neighbors of different times show it to assume it for other lists of the server too. */
  readonly isStrong: boolean;
}

/** Neighbors in one order for each neighbor in the other. Clocks of different machines differ, so a log can have some. */
const MIN_RATIO = 3;

/** Two events with a wrong clock must not decide on other lists. */
const STRONG_EVIDENCE = 3;

/**
 * Returns the order in which a server has listed these items. Null when all have the same age. Steps count only when all times
 * are equal: a log can be newest first, and each second of it oldest first.
 */
export function shownOrder<I extends ListItem>(
  items: readonly I[],
  { compareAge, stepOf }: Ages<I>,
): ShownOrder | null {
  const valid = items.every(hasAge) ? items : items.filter(hasAge);
  const { newer, older } = countNeighbors(valid, compareAge);
  if (newer + older === 0) return stepOf ? orderOfSteps(valid.map(stepOf)) : null;
  const isStrong = Math.abs(newer - older) >= STRONG_EVIDENCE;
  if (newer >= MIN_RATIO * older) return { order: 'oldest first', isStrong };
  if (older >= MIN_RATIO * newer) return { order: 'newest first', isStrong };
  return { order: null, isStrong: false };
}

const hasAge = ({ value }: ListItem) => value !== undefined;

/** Counts the items that are newer, and those that are older, than the one before. */
function countNeighbors<I>(items: readonly I[], compareAge: CompareAge<I>) {
  let [newer, older] = [0, 0];
  let previous: I | undefined;
  for (const item of items) {
    const age = previous === undefined ? 0 : compareAge(item, previous);
    if (age > 0) newer++;
    if (age < 0) older++;
    previous = item;
  }
  return { newer, older };
}

/** Returns an order only when all items have a step, and all steps are in it. */
function orderOfSteps(steps: readonly (number | null)[]): ShownOrder | null {
  const known = steps.filter((step) => step !== null);
  if (known.length < steps.length || known.length < 2) return null;
  const { newer, older } = countNeighbors(known, (one, other) => one - other);
  if (newer === known.length - 1) return { order: 'oldest first', isStrong: false };
  return older === known.length - 1 ? { order: 'newest first', isStrong: false } : null;
}

/** Sorts by age. Items of one age keep their order; an invalid item stays behind the one before it. */
export function sortByAge<I extends ListItem>(
  items: readonly I[],
  wanted: Order,
  { compareAge, stepOf = () => null }: Ages<I>,
): readonly I[] {
  const direction = wanted === 'oldest first' ? 1 : -1;
  let aged = items.find(hasAge);
  if (aged === undefined) return items;
  const keyed: { item: I; aged: I }[] = [];
  for (const item of items) {
    if (hasAge(item)) aged = item;
    keyed.push({ item, aged });
  }
  const compare = (one: I, other: I) => compareAge(one, other) || (stepOf(one) ?? 0) - (stepOf(other) ?? 0);
  return keyed.sort((one, other) => direction * compare(one.aged, other.aged)).map(({ item }) => item);
}
