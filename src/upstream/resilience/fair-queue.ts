/**
 * A queue of items that have owners: round robin among owners, first in, first out within one owner. An item with several
 * owners takes the first turn of any of them.
 */
export interface FairQueue<T> {
  readonly size: number;
  /** Number of items of one owner. */
  countOf(owner: string): number;
  /** Maximum items that are taken before one that this owner would add now. */
  countAhead(owner: string): number;
  /** Adds an item, or another owner to an item. */
  add(owner: string, item: T): void;
  /** Whether `take` would return an item. */
  hasNext(isAllowed: (owner: string) => boolean): boolean;
  /** Removes and returns the next item of the owners that may take a turn now. */
  take(isAllowed?: (owner: string) => boolean): { readonly owner: string; readonly item: T } | undefined;
  /** Removes an item that no longer waits. */
  delete(item: T): void;
}

export function createFairQueue<T>(): FairQueue<T> {
  const itemsByOwner = new Map<string, Set<T>>(); // In round-robin order: the next owner comes first.
  const ownersByItem = new Map<T, string[]>();

  function removeItem(item: T) {
    for (const owner of ownersByItem.get(item) ?? []) {
      const items = itemsByOwner.get(owner);
      items?.delete(item);
      if (items?.size === 0) itemsByOwner.delete(owner);
    }
    ownersByItem.delete(item);
  }

  function nextOwner(isAllowed: (owner: string) => boolean): string | undefined {
    for (const owner of itemsByOwner.keys()) if (isAllowed(owner)) return owner;
    return undefined;
  }

  const countOf = (owner: string) => itemsByOwner.get(owner)?.size ?? 0;

  return {
    get size() {
      return ownersByItem.size;
    },
    countOf,
    countAhead(owner) {
      const ownCount = countOf(owner);
      let ahead = ownCount;
      for (const [name, items] of itemsByOwner) if (name !== owner) ahead += Math.min(items.size, ownCount + 1);
      return ahead;
    },
    add(owner, item) {
      const items = itemsByOwner.get(owner) ?? new Set();
      if (items.has(item)) return;
      itemsByOwner.set(owner, items.add(item));
      const owners = ownersByItem.get(item);
      if (owners) owners.push(owner);
      else ownersByItem.set(item, [owner]);
    },
    hasNext: (isAllowed) => nextOwner(isAllowed) !== undefined,
    take(isAllowed = () => true) {
      const owner = nextOwner(isAllowed);
      const items = owner === undefined ? undefined : itemsByOwner.get(owner);
      if (owner === undefined || items === undefined) return undefined;
      const [item] = items as Set<T> & Iterable<T, undefined>; // An owner without items is removed at once.
      removeItem(item as T);
      itemsByOwner.delete(owner);
      if (items.size > 0) itemsByOwner.set(owner, items); // Moves the owner to the end.
      return { owner, item: item as T };
    },
    delete: removeItem,
  };
}
