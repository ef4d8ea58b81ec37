import { keyOf, type LogItem } from '../../store/resources/log-item.ts';
import type { LogSegment } from '../../store/resources/log-segment.ts';

/** The last item that a reader of a log has read. */
export interface Position {
  /** The key of the item; null before the first one. */
  readonly key: string | null;
  moveTo(key: string | null): void;
  /** Moves from the index `index` of these items behind `newer`, which are the ones before it, oldest first. */
  advance(items: LogSegment['items'], index: number, newer: readonly LogItem[]): void;
  /** Returns the index of the item; -1 when the segment lacks it. The index before the first item is that of the end. */
  indexIn(segment: LogSegment): number;
}

/** Creates a position before the first item. Remembers its index, so that a reader does not search a long log for each batch. */
export function createPosition(): Position {
  let key: string | null = null;
  /** Where the item was last. A log grows at its start, so the distance from the end stays. */
  let fromEnd: number | null = null;

  return {
    get key() {
      return key;
    },
    moveTo(to) {
      key = to;
      fromEnd = null;
    },
    advance(items, index, newer) {
      const last = newer.at(-1);
      key = (last && keyOf(last)) ?? key;
      fromEnd = items.length - (index - newer.length);
    },
    indexIn({ items, isComplete }) {
      if (key === null) return isComplete ? items.length : -1;
      const guess = fromEnd === null ? undefined : items[items.length - fromEnd];
      if (fromEnd !== null && guess && keyOf(guess) === key) return items.length - fromEnd;
      const index = items.findIndex((item) => keyOf(item) === key);
      if (index >= 0) fromEnd = items.length - index;
      return index;
    },
  };
}
