import { after } from '../data/clock.ts';

const BATCH_MS = 100;

/** Collects items that arrive together, such as after a cut, and passes them on as one list: each list draws the page. */
export function createBatch<Item>(deliver: (items: readonly Item[]) => void) {
  let items: Item[] = [];
  let cancel = () => {};
  const flush = () => {
    const delivered = items;
    items = [];
    deliver(delivered);
  };
  return {
    add(item: Item): void {
      items.push(item);
      if (items.length === 1) cancel = after(BATCH_MS, flush);
    },
    dispose: () => cancel(),
  };
}
