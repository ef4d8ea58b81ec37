import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListTooLong, type Order, UnknownListCursor } from '../../../../src/upstream/lists/list.ts';
import { createListReader, type ListReader } from '../../../../src/upstream/lists/list-reader.ts';
import { createListServer, type ListServer, newMemory, type ServedItem } from '../../../kit/store/list-server.ts';

const credential = { apiKey: 'key-of-the-test' };
const compareAge = (one: ServedItem, other: ServedItem) => one.value.created_at - other.value.created_at;

function open(server: ListServer, options: { isLog?: boolean; wanted?: Order } = {}) {
  const reader: ListReader<ServedItem> = createListReader<ServedItem>({ compareAge, ...newMemory(), ...options });
  const page = (limit: number, after: string | null = null, name = 'list') =>
    reader.page({ limit, after }, { credential, name, fetch: server.fetch });
  return {
    page,
    ids: async (limit: number, after: string | null = null) => (await page(limit, after)).items.map(({ id }) => id),
    /** Follows the cursors in pages of these limits. Calls `betweenPages` after each page. */
    async all(limits: readonly number[], betweenPages: () => void = () => {}) {
      const ids: string[] = [];
      for (let count = 0; ; count++) {
        const { items, hasMore } = await page(limits[count % limits.length] ?? 1, ids.at(-1) ?? null);
        expect(items.length).toBeLessThanOrEqual(limits[count % limits.length] ?? 1);
        ids.push(...items.map(({ id }) => id));
        if (!hasMore) return ids;
        if (count > 1000) throw new Error(`The pages do not end: ${ids.slice(0, 5)}`);
        betweenPages();
      }
    },
  };
}

const boolean = fc.boolean();
const anyHabits = fc
  .record({
    isOldestFirst: boolean,
    ignoresLimit: boolean,
    ignoresAfter: boolean,
    repeatsCursor: boolean,
    repeatsItems: boolean,
    sendsHasMore: boolean,
  })
  // A server that honors `limit`, and repeats its first page with `has_more: true`, is an error.
  .filter(({ ignoresLimit, ignoresAfter, sendsHasMore }) => ignoresLimit || !ignoresAfter || !sendsHasMore);
// Of items in one second no order can be seen, and a server that doubles each item shows half as many on a page.
const anyLength = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 4, max: 130 }));
const anyLimits = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 });

describe('a list', () => {
  it.each([true, false])(
    'has every item once, newest first, on servers of any habit (log: %s): property',
    async (isLog) => {
      await fc.assert(
        fc.asyncProperty(anyHabits, anyLength, anyLimits, async (habits, length, limits) => {
          const server = createListServer(habits);
          server.grow(length);
          const list = open(server, { isLog });
          expect(await list.all(limits)).toEqual(server.ids);
          expect(await list.all(limits)).toEqual(server.ids);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('has them oldest first where that is wanted: property', async () => {
    await fc.assert(
      fc.asyncProperty(anyHabits, anyLength, anyLimits, async (habits, length, limits) => {
        const server = createListServer(habits);
        server.grow(length);
        expect(await open(server, { wanted: 'oldest first' }).all(limits)).toEqual(server.ids.toReversed());
      }),
      { numRuns: 60 },
    );
  });

  it('has no gap while it grows, and shows the new items in front: property', async () => {
    await fc.assert(
      fc.asyncProperty(anyHabits, anyLimits, fc.integer({ min: 1, max: 120 }), async (habits, limits, growth) => {
        // Of a first page that changes, a server that ignores the cursor shows nothing but the first items.
        const ignoresLimit = habits.ignoresLimit || habits.ignoresAfter;
        const server = createListServer({ ...habits, ignoresLimit });
        server.grow(160);
        const list = open(server, { isLog: true });
        const before = server.ids;
        let isGrown = false;
        const grow = () => {
          if (!isGrown) server.grow(growth);
          isGrown = true;
        };
        expect(await list.all(limits, grow)).toEqual(before);
        grow();
        expect(await list.all([100])).toEqual(server.ids);
      }),
      { numRuns: 30 },
    );
  });
});

describe('an ordinary list', () => {
  it('takes one call per page', async () => {
    const server = createListServer();
    server.grow(95);
    const list = open(server);
    await list.all([10]);
    expect(server.requests).toHaveLength(10);
  });

  it('is not taken for one in the opposite order because of two events with a wrong clock', async () => {
    const server = createListServer({}, 1);
    server.grow(40);
    const skewed: ListServer = {
      ...server,
      ids: server.ids,
      async fetch(request) {
        const { items, ...rest } = await server.fetch(request);
        const swap = (id: string) => ({ 'item-39': 1_760_000_038, 'item-38': 1_760_000_039 })[id];
        const swapped = items.map(({ id, value }) => ({ id, value: { created_at: swap(id) ?? value.created_at } }));
        return { ...rest, items: swapped };
      },
    };
    expect(await open(skewed, { isLog: true }).all([2])).toEqual(server.ids);
    expect(server.requests).toHaveLength(20);
  });
});

describe('a list that the server lists oldest first', () => {
  const start = (length: number, options = {}) => {
    const server = createListServer({ isOldestFirst: true });
    server.grow(length);
    return { server, list: open(server, options) };
  };

  it('is read to its end once; then one call finds new items of a log, and one call reads any page', async () => {
    const { server, list } = start(1000, { isLog: true });
    await list.page(20);
    expect(server.requests.length).toBeLessThanOrEqual(12);
    server.grow(3);
    const before = server.requests.length;
    expect(await list.ids(20)).toEqual(server.ids.slice(0, 20));
    expect(server.requests.slice(before)).toEqual([{ limit: 100, after: 'item-949' }]);
    expect(await list.ids(20, 'item-500')).toEqual(server.ids.slice(503, 523));
    expect(server.requests).toHaveLength(before + 2);
  });

  it('reads the items on a page of a mutable list again', async () => {
    const { server, list } = start(1000);
    await list.page(20);
    const before = server.requests.length;
    await list.page(20);
    expect(server.requests.slice(before)).toEqual([{ limit: 100, after: 'item-979' }]);
  });

  it('is read on by the next read when it is longer than one read, and is never shown with a gap', async () => {
    const { server, list } = start(12_000, { isLog: true });
    await expect(list.page(20)).rejects.toThrow(ListTooLong);
    await expect(list.page(20)).rejects.toThrow(/Retry: each attempt reads on/);
    expect(await list.ids(20)).toEqual(server.ids.slice(0, 20));
  });

  it('is read again when the item to continue after was deleted', async () => {
    for (const repeat of [1, 2]) {
      const { server, list } = start(300);
      await list.page(20);
      for (let index = 0; index < repeat; index++) server.remove(`item-${279 - index}`);
      expect(await list.ids(20)).toEqual(server.ids.slice(0, 20));
      expect(await list.all([7])).toEqual(server.ids);
    }
  });

  it('is shown newest first again when the server changes its order', async () => {
    const old = createListServer({ isOldestFirst: true });
    old.grow(50);
    const fixed = createListServer();
    fixed.grow(50);
    let server = old;
    const list = open({ ...old, ids: [], fetch: (request) => server.fetch(request) });
    expect(await list.ids(10)).toEqual(old.ids.slice(0, 10));
    server = fixed;
    expect(await list.all([10])).toEqual(fixed.ids);
    const before = fixed.requests.length;
    await list.page(10);
    expect(fixed.requests).toHaveLength(before + 1);
  });

  it('rejects a cursor that it does not have', async () => {
    const { list } = start(300);
    await expect(list.page(10, 'item-none')).rejects.toThrow(UnknownListCursor);
    expect(await list.ids(2, 'item-10')).toEqual(['item-9', 'item-8']);
    expect(await list.page(2, 'item-0')).toEqual({ items: [], hasMore: false });
  });
});

describe('a list of a server without pages', () => {
  const start = () => {
    const server = createListServer({ ignoresLimit: true, ignoresAfter: true, sendsHasMore: false });
    server.grow(30);
    return { server, list: open(server) };
  };

  it('takes one call per page', async () => {
    const { server, list } = start();
    expect(await list.all([7])).toEqual(server.ids);
    expect(server.requests).toHaveLength(5);
  });

  it('rejects a cursor that it does not have, also as the first request', async () => {
    const { server, list } = start();
    await expect(list.page(7, 'item-none')).rejects.toThrow(UnknownListCursor);
    const other = open(server);
    await other.page(7);
    const before = server.requests.length;
    await expect(other.page(7, 'item-none')).rejects.toThrow(UnknownListCursor);
    expect(server.requests).toHaveLength(before + 1);
  });
});

describe('the order of a list', () => {
  it('is known by credential', async () => {
    const reader = createListReader<ServedItem>({ compareAge, ...newMemory() });
    const servers = [createListServer({ isOldestFirst: true }), createListServer()];
    for (const server of servers) server.grow(50);
    for (const [index, { fetch, ids }] of [...servers, ...servers].entries()) {
      const address = { credential: { apiKey: `key-${index % 2}` }, name: '', fetch };
      const { items } = await reader.page({ limit: 5, after: null }, address);
      expect(items.map(({ id }) => id)).toEqual(ids.slice(0, 5));
    }
    expect(servers[1]?.requests).toHaveLength(2);
  });
});
