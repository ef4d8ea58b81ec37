/** Those that wait, each of an owner. Owners take turns, and what is of one owner goes in the order of its coming. */
export interface FairQueue<T> {
  readonly size: number;
  /** Most that go before one that this owner would add now. */
  countAhead(owner: string): number;
  add(owner: string, item: T): void;
  /** Takes out the one whose turn it is. */
  take(): T | undefined;
  /** Takes out one that waits no longer. */
  delete(owner: string, item: T): void;
}

export function createFairQueue<T>(): FairQueue<T> {
  const owners = new Map<string, Set<T>>(); // The one whose turn it is comes first.
  let size = 0;
  return {
    get size() {
      return size;
    },
    countAhead(owner) {
      const own = owners.get(owner)?.size ?? 0;
      let ahead = own;
      for (const [name, items] of owners) if (name !== owner) ahead += Math.min(items.size, own + 1);
      return ahead;
    },
    add(owner, item) {
      const items = owners.get(owner) ?? new Set();
      owners.set(owner, items.add(item));
      size++;
    },
    take() {
      for (const [owner, items] of owners) {
        for (const item of items) {
          owners.delete(owner);
          items.delete(item);
          if (items.size > 0) owners.set(owner, items); // Behind the others.
          size--;
          return item;
        }
      }
      return undefined;
    },
    delete(owner, item) {
      const items = owners.get(owner);
      if (!items?.delete(item)) return;
      size--;
      if (items.size === 0) owners.delete(owner);
    },
  };
}
