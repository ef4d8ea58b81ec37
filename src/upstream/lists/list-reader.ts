import { LRUCache } from 'lru-cache';
import type { MemoryCache } from '../../memory-cache.ts';
import { type Credential, digestOf } from '../credentials/credential.ts';
import { type ListItem, type ListPage, type ListRequest, lastIdOf, noAdvance, type Order } from './list.ts';
import { type Ages, sortByAge } from './order.ts';
import { createOrderMemory, type ListKey } from './order-memory.ts';
import { createReverseReader, type ListSource } from './reverse-reader.ts';
import { type FetchList, fetchFirstId, fetchSection, type Section } from './section.ts';
import { createUnpagedReader } from './unpaged-reader.ts';

// Above this reader, a list of any server is one of the API: in the wanted order, in pages of at most `limit` items behind
// the cursor, each item once. Servers can list in the opposite order, and can ignore `limit`, `after` or `order`
// (docs/upstream.md: Lists of other servers). A server without a deviation gets one call per page.

/** One list of one credential. */
export interface ListAddress<I extends ListItem> {
  readonly credential: Credential;
  /** Identifies the list among those of the reader, such as by its job and its filter. */
  readonly name: string;
  readonly fetch: FetchList<I>;
}

/** Reads all lists of one kind. */
export interface ListReader<I extends ListItem> {
  /**
   * Returns a page in the wanted order: of at most `limit` items unless `isUncut`. Rejects with UnknownListCursor when the
   * list lacks the item of the cursor, with ListTooLong, with UPSTREAM_INVALID_RESPONSE when the pages do not advance, or as
   * `fetch` does.
   */
  page(request: ListRequest, address: ListAddress<I>): Promise<ListPage<I>>;
}

export interface ListReaderOptions<I extends ListItem> extends Ages<I> {
  /** Unique among the readers that share the memory cache. */
  readonly name: string;
  readonly memoryCache: MemoryCache;
  /** Default: newest first. */
  readonly wanted?: Order;
  /**
   * Whether the list is a log: its items never change, new ones are the newest, and the order of the server is that of the
   * events. Other lists are sorted by age if the server sends them as a whole.
   */
  readonly isLog?: boolean;
  /** Whether a page has all items that were read, also more than `limit`. */
  readonly isUncut?: boolean;
}

/** The result of the last read of a first page. */
interface ListStart {
  /** The id of the first item in the order of the server, if known. */
  readonly firstId: string | null;
  /** Whether the pages are in the opposite order of the server's. It changes only with a first page. */
  readonly isReversed: boolean;
}

const MAX_LISTS = 10_000;

/** Minimum items to request while the order is unknown: a single item shows none, and neighbors can have the same age. */
const SAMPLE_SIZE = 10;

export function createListReader<I extends ListItem>(options: ListReaderOptions<I>): ListReader<I> {
  const { name: readerName, memoryCache, wanted = 'newest first', isLog = false, isUncut = false } = options;
  const orders = createOrderMemory(wanted, options);
  const starts = new LRUCache<string, ListStart>({ maxSize: MAX_LISTS, sizeCalculation: () => 1 });
  const reverse = createReverseReader<I>({
    isAppendOnly: isLog,
    lists: memoryCache.partition(`reversed list: ${readerName}`),
  });
  const isOpposite = (list: ListKey) => (orders.find(list) ?? wanted) !== wanted;
  const unpaged = createUnpagedReader<I>((items, list) => {
    const inOrder = isOpposite(list) ? items.toReversed() : items;
    return isLog ? inOrder : sortByAge(inOrder, wanted, options);
  });

  /** Returns the start of a section. Throws UPSTREAM_INVALID_RESPONSE when no next page can start behind it. */
  function pageBehind({ items: following, hasMore, response }: Section<I>, request: ListRequest): ListPage<I> {
    const limit = isUncut ? following.length : request.limit;
    const items = following.slice(0, limit);
    const page = { items, hasMore: following.length > limit || hasMore };
    if (page.hasMore && lastIdOf(items) === null) throw noAdvance(response.facts);
    return page;
  }

  // Until the order is known, requests enough items to show it.
  const sampled = (request: ListRequest, source: ListKey) =>
    orders.find(source) === undefined ? { ...request, limit: Math.max(request.limit, SAMPLE_SIZE) } : request;

  // An unchanged start is not set again, which takes longer than to read it.
  function setStart({ key }: ListKey, start: ListStart): void {
    const known = starts.get(key);
    if (known?.firstId !== start.firstId || known.isReversed !== start.isReversed) starts.set(key, start);
  }

  /** Returns null when the server lists in the wanted order. */
  async function readReversed(request: ListRequest, source: ListSource<I>): Promise<ListPage<I> | null> {
    const page = await reverse.page(request, source);
    setStart(source, { firstId: starts.get(source.key)?.firstId ?? null, isReversed: page !== null });
    return page;
  }

  async function readFirst(request: ListRequest, source: ListSource<I>): Promise<ListPage<I>> {
    // The first response shows whether the list has pages at all. A log needs no order but that of the server.
    if (isOpposite(source) && (isLog || starts.has(source.key))) {
      const page = await readReversed(request, source);
      if (page !== null) return page;
    }
    const section = await fetchSection(source.fetch, sampled(request, source));
    orders.record(source, section.all);
    const isReversed = isOpposite(source);
    setStart(source, { firstId: section.all[0]?.id ?? null, isReversed });
    if (unpaged.isSuspect(section, source) && (await unpaged.detect(section, source)))
      return unpaged.pageOf(section.all, request, source);
    if (!isReversed) return pageBehind(section, request);
    if (!section.hasMore) return pageBehind({ ...section, items: section.all.toReversed() }, request);
    return (await readReversed(request, source)) ?? pageBehind(section, request);
  }

  async function readUnpaged(request: ListRequest, source: ListSource<I>): Promise<ListPage<I>> {
    const page = await unpaged.page(request, source);
    return page ?? (request.after === null ? await readFirst(request, source) : await readNext(request, source));
  }

  /** Reads the page behind a cursor, in the direction of the first page. */
  async function readNext(request: ListRequest, source: ListSource<I>): Promise<ListPage<I>> {
    const start = starts.get(source.key);
    if (start?.isReversed ?? isOpposite(source)) {
      const page = await readReversed(request, source);
      if (page !== null) return page;
    }
    const firstId = start?.firstId ?? null;
    const sample = sampled(request, source);
    let section = await fetchSection(source.fetch, sample, firstId);
    if (firstId === null && isUntrusted(section)) section = await fetchFromStart(section, sample, source);
    unpaged.observe(section, source);
    if (start !== undefined || !isDoubtful(section, source)) return pageBehind(section, request);
    await readFirst({ ...request, after: null }, source); // Decides by the start of the list.
    const page = await unpaged.page(request, source);
    if (page !== null) return page;
    const isReversed = starts.get(source.key)?.isReversed === true;
    return (isReversed ? await readReversed(request, source) : null) ?? pageBehind(section, request);
  }

  /** Whether a section of a list that was not read from its start deviates. */
  function isDoubtful(section: Section<I>, source: ListSource<I>): boolean {
    const order = orders.recordIf(wanted, source, section.all) ?? wanted;
    return unpaged.isProof(section) || order !== wanted;
  }

  /** Fetches a section again if it is the start of the list. */
  async function fetchFromStart(section: Section<I>, request: ListRequest, { fetch }: ListSource<I>) {
    const startId = await fetchFirstId(fetch, request);
    return startId === section.all[0]?.id ? await fetchSection(fetch, request, startId) : section;
  }

  return {
    page(request, { credential, name, fetch }) {
      const owner = digestOf(credential);
      const source: ListSource<I> = {
        owner,
        key: `${owner} ${name}`,
        fetch,
        isOpposite: (items) => (orders.record(source, items) ?? wanted) !== wanted,
      };
      if (unpaged.isKnown(source)) return readUnpaged(request, source);
      return request.after === null ? readFirst(request, source) : readNext(request, source);
    },
  };
}

/**
 * Whether a section behind a cursor can be the start of the list again, as of a server that ignores the cursor: its first item
 * shows that. Where no first item is known, a server that sends `has_more` and honors `limit` is trusted.
 */
function isUntrusted({ request, response, all, cursorIndex }: Section<ListItem>): boolean {
  const isTrusted = response.hasMore !== null && response.items.length <= request.limit;
  return cursorIndex < 0 && !isTrusted && all.length > 0;
}
