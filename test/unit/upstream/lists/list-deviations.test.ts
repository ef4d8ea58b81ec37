import { describe, expect, it } from 'vitest';
import {
  type ListRequest,
  type ListResponse,
  type Order,
  UnknownListCursor,
} from '../../../../src/upstream/lists/list.ts';
import { createListReader } from '../../../../src/upstream/lists/list-reader.ts';
import { newMemory } from '../../../kit/store/list-server.ts';

interface Item {
  readonly id: string;
  readonly value: { readonly created_at: number; readonly step: number | null };
}

const item = (id: string | number, created_at: number, step: number | null = null): Item => ({
  id: String(id),
  value: { created_at, step },
});
/** Items with ids and times from `first` down to `last`. */
const newestFirst = (first: number, last: number) =>
  Array.from({ length: first - last + 1 }, (_, index) => item(first - index, first - index));
const oldestFirst = (first: number, last: number) => newestFirst(last, first).toReversed();
const idsOf = (items: readonly Item[]) => items.map(({ id }) => id);
/** Ids from `first` down to `last`. */
const range = (first: number, last: number) => idsOf(newestFirst(first, last));

interface Habits {
  readonly ignoresLimit?: boolean;
  readonly ignoresAfter?: boolean;
  readonly sendsHasMore?: boolean;
}

/** A server with `items` in its order, which honors `limit` and `after` and sends `has_more` by default. */
function serve(items: readonly Item[], habits: Habits = {}) {
  const { ignoresLimit = false, ignoresAfter = false, sendsHasMore = true } = habits;
  const requests: ListRequest[] = [];
  const server = {
    items,
    requests,
    async fetch(request: ListRequest): Promise<ListResponse<Item>> {
      requests.push(request);
      const start = ignoresAfter ? 0 : server.items.findIndex(({ id }) => id === request.after) + 1;
      const end = ignoresLimit ? server.items.length : start + request.limit;
      const hasMore = sendsHasMore ? end < server.items.length : null;
      return { items: server.items.slice(start, end), hasMore, facts: {} };
    },
  };
  return server;
}

type Server = ReturnType<typeof serve>;

function open(options: { isLog?: boolean; wanted?: Order } = {}) {
  const reader = createListReader<Item>({
    ...newMemory(),
    compareAge: (one, other) => one.value.created_at - other.value.created_at,
    stepOf: ({ value }) => value.step,
    ...options,
  });
  const page = (server: Server, limit: number, after: string | null = null, name = 'list') =>
    reader.page({ limit, after }, { credential: { apiKey: 'key-of-the-test' }, name, fetch: server.fetch });
  const ids = async (...args: Parameters<typeof page>) => idsOf((await page(...args)).items);
  return {
    page,
    ids,
    async all(server: Server, limit: number, name = 'list') {
      const all: string[] = [];
      for (let hasMore = true; hasMore; ) {
        const { items, ...rest } = await page(server, limit, all.at(-1) ?? null, name);
        all.push(...idsOf(items));
        ({ hasMore } = rest);
        if (all.length > 1000 || (hasMore && items.length === 0)) throw new Error(`The pages do not end: ${all}`);
      }
      return all;
    },
  };
}

const jobs = () => [8, 9, 7, 6, 5].map((time) => item(time, time));

describe('an ordinary server', () => {
  it.each([1, 2, 20])(
    'keeps its order where it is not that of the times, in pages of %i by one call each',
    async (limit) => {
      const server = serve(jobs());
      expect(await open().all(server, limit)).toEqual(['8', '9', '7', '6', '5']);
      expect(server.requests).toHaveLength(Math.ceil(5 / limit));
    },
  );

  it.each([1, 2, 5, 20])('keeps it without `has_more` too, in pages of %i', async (limit) => {
    const list = open();
    for (let repeat = 0; repeat < 2; repeat++)
      expect(await list.all(serve(jobs(), { sendsHasMore: false }), limit)).toEqual(['8', '9', '7', '6', '5']);
  });

  it.each([true, false])(
    'has the page behind an item that only another gateway has seen (has_more: %s)',
    async (sendsHasMore) => {
      const server = serve(newestFirst(20, 11), { sendsHasMore });
      const list = open();
      expect(await list.ids(server, 20)).toEqual(range(20, 11));
      server.items = newestFirst(22, 11);
      expect(await list.page(server, 20, '21')).toEqual({ items: newestFirst(20, 11), hasMore: false });
    },
  );

  it('still rejects a cursor that it ignores', async () => {
    const server = serve(newestFirst(20, 11), { ignoresAfter: true });
    const list = open();
    await list.page(server, 20);
    await expect(list.page(server, 20, 'none')).rejects.toThrow(UnknownListCursor);
  });

  it('keeps its order when the steps of each second are oldest first', async () => {
    const events = newestFirst(60, 0).map(({ id }, index) => {
      const second = Math.floor(Number(id) / 6);
      return item(id, second, 6 * second + (index % 6));
    });
    const server = serve(events);
    expect(await open({ isLog: true }).all(server, 20)).toEqual(range(60, 0));
    expect(server.requests).toHaveLength(4);
  });

  it('keeps its order when a second has more steps than the first page', async () => {
    const events = newestFirst(200, 1).map(({ id }, index) => item(id, 9 - Math.floor(index / 40), index % 40));
    const server = serve(events);
    const list = open({ isLog: true });
    expect(await list.all(server, 20)).toEqual(range(200, 1));
    const before = server.requests.length;
    await list.page(server, 20);
    expect(server.requests.length).toBe(before + 1);
  });

  it.each([
    ['the same gateway', true],
    ['another gateway', false],
  ])('keeps its direction where the clocks of a page are wrong: %s', async (_, isKnown) => {
    const events = [...newestFirst(100, 51), ...oldestFirst(31, 50), ...newestFirst(30, 1)];
    const server = serve(events);
    const list = open({ isLog: true });
    const first = await (isKnown ? list : open({ isLog: true })).ids(server, 50);
    expect(await list.ids(server, 20, first.at(-1))).toEqual(idsOf(oldestFirst(31, 50)));
    expect(await list.ids(server, 20, '50')).toEqual(range(30, 11));
    expect(server.requests).toHaveLength(isKnown ? 3 : 4);
  });

  it('keeps its direction in a log whose order nothing shows, when a page shows the opposite one', async () => {
    const events = [...range(100, 81).map((id) => item(id, 100)), ...oldestFirst(1, 80)];
    expect(await open({ isLog: true }).all(serve(events), 20)).toEqual(idsOf(events));
  });

  it('keeps the order of logs without times when another log has two events with wrong clocks', async () => {
    const list = open({ isLog: true });
    await list.page(serve([item('b', 1), item('a', 2)]), 20, null, 'skewed');
    const ties = serve(range(30, 1).map((id) => item(id, 5)));
    expect(await list.all(ties, 10, 'ties')).toEqual(range(30, 1));
    expect(ties.requests).toHaveLength(3);
  });

  it('keeps the order of a log with two wrong clocks when the log grows', async () => {
    const list = open({ isLog: true });
    const server = serve([item('b', 1), item('a', 2)]);
    await list.page(server, 20);
    server.items = [item('c', 3), ...server.items];
    expect(await list.ids(server, 20)).toEqual(['c', 'b', 'a']);
    const before = server.requests.length;
    await list.page(server, 20);
    expect(server.requests).toHaveLength(before + 1);
  });
});

describe('a server that ignores `limit`', () => {
  it.each([
    [2, {}],
    [2, { ignoresAfter: true }],
    [2, { sendsHasMore: false }],
    [2, { sendsHasMore: false, ignoresAfter: true }],
    [12, { sendsHasMore: false, ignoresAfter: true }],
    [20, { sendsHasMore: false, ignoresAfter: true }],
  ] as const)('has its list sorted on every page of %i: %j', async (limit, habits) => {
    const times = [12, 3, 8, 9, 7, 6, 5, 11, 10, 4, 1, 2];
    const server = serve(
      times.map((time) => item(time, time)),
      { ...habits, ignoresLimit: true },
    );
    const list = open();
    expect(await list.all(server, limit)).toEqual(range(12, 1));
    const next = open(); // Another gateway continues.
    expect(await next.ids(server, 2, '7')).toEqual(['6', '5']);
    const before = server.requests.length;
    await list.page(server, 2, '3');
    expect(server.requests).toHaveLength(before + 1);
  });

  it('is read in pages when it honors `limit` again', async () => {
    const list = open();
    const shuffled = [2, 3, 1].map((time) => item(time, time));
    expect(await list.ids(serve(shuffled, { ignoresLimit: true, sendsHasMore: false }), 2)).toEqual(['3', '2']);
    expect(await list.all(serve(newestFirst(40, 1), { sendsHasMore: false }), 20)).toEqual(range(40, 1));
    expect(await list.all(serve(newestFirst(40, 1)), 20)).toEqual(range(40, 1));
  });

  it('keeps one order from page to page when only a later page shows it', async () => {
    const server = serve(jobs(), { ignoresLimit: true, ignoresAfter: true });
    const list = open();
    expect(await list.all(server, 2)).toEqual(['8', '9', '7', '6', '5']); // The first request was for 10 items.
    expect(await list.all(server, 2)).toEqual(range(9, 5));
  });
});

describe('a list in the opposite order', () => {
  const without = (items: readonly Item[], first: number, last: number) =>
    items.filter(({ id }) => Number(id) < first || Number(id) > last);

  it('continues where all items of a page were deleted', async () => {
    const server = serve(oldestFirst(1, 300));
    const list = open();
    expect(await list.ids(server, 20)).toEqual(range(300, 281));
    server.items = without(server.items, 261, 280);
    expect(await list.ids(server, 20, '281')).toEqual(range(260, 241));
    server.items = without(server.items, 200, 240);
    expect(await list.ids(server, 20, '241')).toEqual(range(199, 180));
    server.items = without(server.items, 1, 179);
    expect(await list.page(server, 20, '180')).toEqual({ items: [], hasMore: false });
  });

  it('does so where it is wanted oldest first and the server ignores that', async () => {
    const server = serve(newestFirst(300, 1));
    const list = open({ wanted: 'oldest first' });
    expect(await list.ids(server, 20)).toEqual(range(20, 1).toReversed());
    server.items = without(server.items, 21, 50);
    expect(await list.ids(server, 20, '20')).toEqual(range(70, 51).toReversed());
    expect((await list.all(server, 100)).length).toBe(270);
  });

  it('has the page before an item that was deleted', async () => {
    const server = serve(oldestFirst(1, 300));
    const list = open();
    await list.page(server, 20);
    server.items = without(server.items, 281, 282);
    expect(await list.ids(server, 20, '281')).toEqual(range(280, 261));
  });

  it('has the right page after the server has changed its order', async () => {
    for (const limit of [1, 3, 20]) {
      const server = serve(oldestFirst(1, 300));
      const list = open();
      await list.page(server, 20);
      server.items = newestFirst(300, 1);
      expect(await list.ids(server, limit, '281')).toEqual(range(280, 281 - limit));
      expect(await list.ids(server, 20)).toEqual(range(300, 281));
    }
  });

  it('has the newest items after the server of a log has changed its order', async () => {
    const server = serve(oldestFirst(1, 300));
    const list = open({ isLog: true });
    await list.page(server, 20);
    server.items = newestFirst(310, 1);
    expect(await list.ids(server, 20)).toEqual(range(310, 291));
  });

  it('stays so when two new events have a wrong clock', async () => {
    const server = serve(oldestFirst(1, 300));
    const list = open({ isLog: true });
    await list.page(server, 20);
    server.items = [...server.items, item(301, 303), item(302, 302)];
    expect(await list.ids(server, 3)).toEqual(range(302, 300));
  });

  it('has an event that the server inserts before the last one, by one call', async () => {
    const server = serve(oldestFirst(1, 300));
    const list = open({ isLog: true });
    await list.page(server, 20);
    const before = server.requests.length;
    server.items = [...oldestFirst(1, 290), item('x', 290), ...oldestFirst(291, 320)];
    expect(await list.ids(server, 40)).toEqual([...range(320, 291), 'x', ...range(290, 282)]);
    expect(server.requests).toHaveLength(before + 1);
  });

  it('has the page behind an item that only another gateway has seen', async () => {
    const server = serve(oldestFirst(1, 300));
    for (const isLog of [true, false]) {
      server.items = oldestFirst(1, 300);
      const list = open({ isLog });
      await list.page(server, 20);
      server.items = [...oldestFirst(1, 150), item('x', 150), ...oldestFirst(151, 300)];
      expect(await list.ids(server, 20, 'x')).toEqual(range(150, 131));
      await expect(list.page(server, 20, 'none')).rejects.toThrow(UnknownListCursor);
    }
  });

  it('is shown by the steps when all events have one time and one step each', async () => {
    const server = serve(
      range(6, 1)
        .toReversed()
        .map((id) => item(id, 5, Number(id))),
    );
    expect(await open({ isLog: true }).ids(server, 20)).toEqual(range(6, 1));
  });

  it('is known for logs of one time, by a longer log of the same credential', async () => {
    const list = open({ isLog: true });
    await list.page(serve(oldestFirst(1, 10)), 20, null, 'long');
    const ties = serve(
      range(30, 1)
        .toReversed()
        .map((id) => item(id, 5)),
    );
    expect(await list.all(ties, 10, 'ties')).toEqual(range(30, 1));
  });
});
