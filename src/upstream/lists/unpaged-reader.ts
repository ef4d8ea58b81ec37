import { LRUCache } from 'lru-cache';
import { type ListItem, type ListPage, type ListRequest, lastIdOf, noAdvance, UnknownListCursor } from './list.ts';
import type { ListKey } from './order-memory.ts';
import type { ListSource } from './reverse-reader.ts';
import { fetchSection, fetchWithLimit, type Section } from './section.ts';

// Lists of servers that ignore `limit`, and send the whole list in each response, in an order of their own. The gateway
// sorts such a list and cuts its pages. This needs proof: where a server honors `limit`, the next page continues in its own
// order, and a sorted page would skip items.

/** Returns the items of a whole list in the wanted order. */
type Sort<I extends ListItem> = (items: readonly I[], list: ListKey) => readonly I[];

export interface UnpagedReader<I extends ListItem> {
  /** Whether a section is a whole list, and longer than its limit. */
  isProof(section: Section<I>): boolean;
  /** Records a section behind a cursor: proof decides from the next first page on, as the order must not change before. */
  observe(section: Section<I>, source: ListSource<I>): void;
  /** Whether a section from the start of a list may be a whole one: then `detect` decides. */
  isSuspect(section: Section<I>, source: ListSource<I>): boolean;
  /** Records whether the list is unpaged, by a section from its start. Asks the server when it is doubtful. */
  detect(section: Section<I>, source: ListSource<I>): Promise<boolean>;
  /** Whether the list is known to be unpaged: then `page` reads it. */
  isKnown(source: ListSource<I>): boolean;
  /** Returns a page; null when the list is not unpaged any more. Rejects with UnknownListCursor, or as `fetch` does. */
  page(request: ListRequest, source: ListSource<I>): Promise<ListPage<I> | null>;
  /** Cuts a page out of a whole list. Throws UnknownListCursor. */
  pageOf(all: readonly I[], request: ListRequest, source: ListSource<I>): ListPage<I>;
}

/** `proven`: the next first page is sorted. `sorted`: all pages are. */
type State = 'honors limit' | 'proven' | 'sorted';

const MAX_LISTS = 10_000;

export function createUnpagedReader<I extends ListItem>(sort: Sort<I>): UnpagedReader<I> {
  const states = new LRUCache<string, State>({ maxSize: MAX_LISTS, sizeCalculation: () => 1 });

  // Some servers send the item of the cursor in addition to `limit` items.
  const isProof = ({ all, cursorIndex, hasMore, request }: Section<I>) =>
    !hasMore && all.length - (cursorIndex === 0 ? 1 : 0) > request.limit;

  /**
   * Whether a server that ignores `limit` may have sent this. The API sends `has_more`, and its order matters only where the
   * items are not sorted.
   */
  function isDoubtful({ all, response }: Section<I>, source: ListSource<I>): boolean {
    if (response.hasMore !== null || all.length < 2 || states.get(source.key) === 'honors limit') return false;
    const sorted = sort(all, source);
    return (
      all.some((item, index) => item !== sorted[index]) && all.some((item, index) => item !== sorted.at(-1 - index))
    );
  }

  function pageOf(all: readonly I[], { limit, after }: ListRequest, source: ListSource<I>): ListPage<I> {
    const sorted = sort(all, source);
    const index = after === null ? -1 : sorted.findIndex(({ id }) => id === after);
    if (after !== null && index < 0) throw new UnknownListCursor({});
    const following = sorted.slice(index + 1);
    const page = { items: following.slice(0, limit), hasMore: following.length > limit };
    if (page.hasMore && lastIdOf(page.items) === null) throw noAdvance({});
    return page;
  }

  /** Whether a section from the start is the whole list: a list can be as long as the limit. */
  async function isWhole({ request, response, all, hasMore }: Section<I>, { fetch }: ListSource<I>): Promise<boolean> {
    if (response.hasMore !== null || !hasMore) return !hasMore;
    const larger = await fetchWithLimit(fetch, { ...request, limit: request.limit + 1 });
    return larger !== null && larger.all.length <= all.length;
  }

  const isProven = (section: Section<I>, { key }: ListSource<I>) =>
    isProof(section) || (!section.hasMore && states.get(key) === 'proven');

  const isKnown = ({ key }: ListSource<I>) => states.get(key) === 'sorted';

  return {
    isProof,
    isKnown,
    pageOf,
    isSuspect: (section, source) => isProven(section, source) || isDoubtful(section, source),
    observe(section, { key }) {
      if (isProof(section)) states.set(key, 'proven');
    },
    async detect(section, source) {
      let isUnpaged = isProven(section, source);
      if (!isUnpaged && isDoubtful(section, source)) {
        isUnpaged = ((await fetchWithLimit(source.fetch, ONE_ITEM))?.all.length ?? 0) > 1;
        states.set(source.key, 'honors limit');
      }
      if (isUnpaged) states.set(source.key, 'sorted');
      return isUnpaged;
    },
    async page(request, source) {
      if (!isKnown(source)) return null;
      const section = await fetchSection(source.fetch, { ...request, after: null });
      if (await isWhole(section, source)) return pageOf(section.all, request, source);
      states.delete(source.key); // The server honors `limit` now.
      return null;
    },
  };
}

const ONE_ITEM: ListRequest = { limit: 1, after: null };
