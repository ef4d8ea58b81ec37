import { LRUCache } from 'lru-cache';
import type { ListItem, Order } from './list.ts';
import { type Ages, shownOrder } from './order.ts';

// The order of each list is that which the list itself shows. Strong evidence in one list is also evidence for the other
// lists of the credential, whose items can all have one time. A proxy can serve each credential from another server.

/** Identifies a list. */
export interface ListKey {
  /** Identifies the list among those of all credentials. */
  readonly key: string;
  /** Identifies the credential. */
  readonly owner: string;
}

export interface OrderMemory<I extends ListItem> {
  /** Returns the order to assume; undefined while there is no evidence. */
  find(list: ListKey): Order | undefined;
  /** Records the order that these items show. Returns the order to assume. */
  record(list: ListKey, items: readonly I[]): Order | undefined;
  /** Returns the order to assume by these items. Records it only when it is this one. */
  recordIf(order: Order, list: ListKey, items: readonly I[]): Order | undefined;
}

interface KnownOrder {
  readonly order: Order;
  readonly isStrong: boolean;
  /** Number of items that have shown it. */
  readonly sampleSize: number;
}

const MAX_CREDENTIALS = 1000;
const MAX_LISTS = 10_000;

export function createOrderMemory<I extends ListItem>(wanted: Order, ages: Ages<I>): OrderMemory<I> {
  const owners = new LRUCache<string, KnownOrder>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  const lists = new LRUCache<string, KnownOrder>({ maxSize: MAX_LISTS, sizeCalculation: () => 1 });

  function recall({ key, owner }: ListKey): KnownOrder | undefined {
    const list = lists.get(key);
    return list?.isStrong ? list : (owners.get(owner) ?? list);
  }

  function decide(list: ListKey, items: readonly I[]): KnownOrder | undefined {
    const known = recall(list);
    const shown = shownOrder(items, ages);
    if (shown === null) return known;
    const order = { order: shown.order ?? wanted, isStrong: shown.isStrong, sampleSize: items.length };
    if (shown.isStrong || known === undefined) return order;
    return known.isStrong || items.length < known.sampleSize ? known : order;
  }

  /** An order that is already known is not set again, which takes longer than to read it. */
  function store({ key, owner }: ListKey, order: KnownOrder): void {
    const isKnown = (known: KnownOrder | undefined) => known?.isStrong === true && known.order === order.order;
    if (order.isStrong && isKnown(lists.get(key)) && isKnown(owners.get(owner))) return;
    lists.set(key, order);
    if (order.isStrong) owners.set(owner, order);
  }

  function recordIf(expected: Order | null, list: ListKey, items: readonly I[]): Order | undefined {
    const order = decide(list, items);
    const isExpected = expected === null || expected === order?.order;
    if (order !== undefined && isExpected && order !== recall(list)) store(list, order);
    return order?.order;
  }

  return {
    find: (list) => recall(list)?.order,
    record: (list, items) => recordIf(null, list, items),
    recordIf,
  };
}
