import { createMemoryCache } from '../../../src/memory-cache.ts';
import type { ListRequest, ListResponse } from '../../../src/upstream/lists/list.ts';

export interface ServedItem {
  readonly id: string;
  readonly value: { readonly created_at: number };
}

/** How a server deviates from the lists of the API. */
export interface ListHabits {
  readonly isOldestFirst: boolean;
  readonly ignoresLimit: boolean;
  readonly ignoresAfter: boolean;
  /** Whether the page behind a cursor starts with the cursor's own item. */
  readonly repeatsCursor: boolean;
  readonly repeatsItems: boolean;
  readonly sendsHasMore: boolean;
}

export const ORDINARY: ListHabits = {
  isOldestFirst: false,
  ignoresLimit: false,
  ignoresAfter: false,
  repeatsCursor: false,
  repeatsItems: false,
  sendsHasMore: true,
};

/** A list on a server with these habits. Up to `tieSize` items in a row have the same second. */
export interface ListServer {
  /** Ids, newest first. */
  readonly ids: readonly string[];
  readonly requests: ListRequest[];
  grow(count: number): void;
  remove(id: string): void;
  fetch(request: ListRequest): Promise<ListResponse<ServedItem>>;
}

export function createListServer(habits: Partial<ListHabits> = {}, tieSize = 3): ListServer {
  const { isOldestFirst, ignoresLimit, ignoresAfter, repeatsCursor, repeatsItems, sendsHasMore } = {
    ...ORDINARY,
    ...habits,
  };
  let oldestFirst: ServedItem[] = [];
  let created = 0;
  const requests: ListRequest[] = [];
  return {
    requests,
    get ids() {
      return oldestFirst.map(({ id }) => id).toReversed();
    },
    grow(count) {
      for (let added = 0; added < count; added++, created++) {
        const created_at = 1_760_000_000 + Math.floor(created / tieSize);
        oldestFirst = [...oldestFirst, { id: `item-${created}`, value: { created_at } }];
      }
    },
    remove(id) {
      oldestFirst = oldestFirst.filter((item) => item.id !== id);
    },
    async fetch(request) {
      requests.push(request);
      const list = isOldestFirst ? oldestFirst : oldestFirst.toReversed();
      const index = ignoresAfter ? -1 : list.findIndex(({ id }) => id === request.after);
      const start = index >= 0 && !repeatsCursor ? index + 1 : Math.max(0, index);
      const end = ignoresLimit ? list.length : start + request.limit;
      const page = list.slice(start, end);
      const items = repeatsItems ? page.flatMap((item) => [item, item]) : page;
      return { items, hasMore: sendsHasMore ? end < list.length : null, facts: { upstreamStatus: 200 } };
    },
  };
}

/** Options of a list reader with a memory cache of its own. */
export const newMemory = () => ({ name: 'test', memoryCache: createMemoryCache(16 * 1024 * 1024) });
