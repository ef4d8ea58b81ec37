/** A queue of items that each have an owner: round robin among owners, first in, first out within one owner. */
export interface FairQueue<T> {
  readonly size: number;
  /** Maximum items that are taken before one that this owner would add now. */
  countAhead(owner: string): number;
  add(owner: string, item: T): void;
  /** Removes and returns the next item. */
  take(): T | undefined;
  /** Removes an item that no longer waits. */
  delete(owner: string, item: T): void;
}

export function createFairQueue<T>(): FairQueue<T> {
  const owners = new Map<string, Set<T>>(); // In round-robin order: the next owner comes first.
  let size = 0;
  return {
    get size() {
      return size;
    },
    countAhead(owner) {
      const ownCount = owners.get(owner)?.size ?? 0;
      let ahead = ownCount;
      for (const [name, items] of owners) if (name !== owner) ahead += Math.min(items.size, ownCount + 1);
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
          if (items.size > 0) owners.set(owner, items); // Moves the owner to the end.
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
