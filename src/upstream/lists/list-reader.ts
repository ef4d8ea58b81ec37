import { LRUCache } from 'lru-cache';
import { type Credential, digestOf } from '../credentials/credential.ts';
import { type ListItem, type ListPage, type ListRequest, lastIdOf, noAdvance, type Order } from './list.ts';
import { type CompareAge, mergeOrder, type ShownOrder, shownOrder, sortByAge } from './order.ts';
import { createReverseReader, type ListSource } from './reverse-reader.ts';
import { type FetchList, fetchSection, type Section } from './section.ts';

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
   * Returns a page in the wanted order: of at most `limit` items unless `isUncut`. Rejects with UnknownListCursor when the list lacks the item of the cursor, with
   * ListTooLong, with UPSTREAM_INVALID_RESPONSE when the pages do not advance, or as `fetch` does.
   */
  page(request: ListRequest, address: ListAddress<I>): Promise<ListPage<I>>;
}

export interface ListReaderOptions<I extends ListItem> {
  /** Default: newest first. */
  readonly wanted?: Order;
  readonly compareAge: CompareAge<I>;
  /**
   * Whether the list is a log: its items never change, new ones are the newest, and the order of the server is that of the
   * events. Other lists are sorted by age if they are known as a whole.
   */
  readonly isLog?: boolean;
  /** Whether a page has all items that were read, also more than `limit`. */
  readonly isUncut?: boolean;
}

const MAX_CREDENTIALS = 1000;
const MAX_LISTS = 10_000;

/** Minimum items to request while the order is unknown: a single item shows none, and neighbors can have the same age. */
const SAMPLE_SIZE = 10;

export function createListReader<I extends ListItem>(options: ListReaderOptions<I>): ListReader<I> {
  const { wanted = 'newest first', compareAge, isLog = false, isUncut = false } = options;
  // By credential: a proxy can serve each credential from another server.
  const orders = new LRUCache<string, ShownOrder>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  // The first item of each list, by its id.
  const firstIds = new LRUCache<string, string>({ maxSize: MAX_LISTS, sizeCalculation: () => 1 });

  const reverse = createReverseReader<I>({
    isAppendOnly: isLog,
    isOpposite: (items) => shownOrder(items, compareAge)?.order !== wanted,
  });

  /** Records the order that a response shows. Returns the order to assume. */
  function learnOrder(owner: string, items: readonly I[]): Order {
    const known = orders.get(owner);
    const order = mergeOrder(known, shownOrder(items, compareAge));
    if (order !== undefined && order !== known) orders.set(owner, order);
    return order?.order ?? wanted;
  }

  /** Reads the page of a list in the opposite order. Returns null when the server lists in the wanted order now. */
  async function readReverse(request: ListRequest, owner: string, source: ListSource<I>) {
    const page = await reverse.page(request, source);
    if (page === null) orders.set(owner, { order: wanted, evidence: 1 });
    return page;
  }

  /**
   * Fetches a section. A server that ignores the cursor responds with the start of the list again: its first item shows
   * that. Where no first item is known, a server that sends `has_more` and honors `limit` is trusted.
   */
  async function fetchBehind(request: ListRequest, { key, fetch }: ListSource<I>): Promise<Section<I>> {
    const firstId = firstIds.get(key) ?? null;
    const section = await fetchSection(fetch, request, firstId);
    const { response, all, cursorIndex } = section;
    if (request.after === null) {
      if (all[0]?.id != null) firstIds.set(key, all[0].id);
      return section;
    }
    const isTrusted = response.hasMore !== null && response.items.length <= request.limit;
    if (firstId !== null || cursorIndex >= 0 || isTrusted || all.length === 0) return section;
    const start = await fetchSection(fetch, { ...request, after: null });
    const startId = start.all[0]?.id ?? null;
    if (startId !== null) firstIds.set(key, startId);
    return startId === all[0]?.id ? await fetchSection(fetch, request, startId) : section;
  }

  function sort(items: readonly I[], order: Order): readonly I[] {
    const inOrder = order === wanted ? items : items.toReversed();
    return isLog ? inOrder : sortByAge(inOrder, wanted, compareAge);
  }

  return {
    async page(request, { credential, name, fetch }) {
      const owner = digestOf(credential);
      const source = { key: `${owner} ${name}`, fetch };
      const known = orders.get(owner);
      if (known !== undefined && known.order !== wanted) {
        const page = await readReverse(request, owner, source);
        if (page !== null) return page;
      }
      const limit = known === undefined ? Math.max(request.limit, SAMPLE_SIZE) : request.limit;
      const section = await fetchBehind({ ...request, limit }, source);
      const isWhole = section.isFromStart && !section.hasMore;
      let order = learnOrder(owner, section.all);
      if (order !== wanted && !isWhole) {
        const page = await readReverse(request, owner, source);
        if (page !== null) return page;
        order = wanted;
      }
      const items = isWhole || isProbablyWhole(section) ? sort(section.all, order) : section.all;
      return pageBehind(items, isUncut ? { ...request, limit: items.length } : request, section);
    },
  };
}

// Without `has_more`, a full page can be a whole list.
function isProbablyWhole<I extends ListItem>({ request, response, cursorIndex }: Section<I>): boolean {
  return response.hasMore === null && (request.after === null || cursorIndex >= 0);
}

/** Returns the page behind the cursor. Throws UPSTREAM_INVALID_RESPONSE when no next page can start behind it. */
function pageBehind<I extends ListItem>(
  all: readonly I[],
  { limit, after }: ListRequest,
  { hasMore, response }: Section<I>,
): ListPage<I> {
  const following = all.slice(after === null ? 0 : all.findIndex(({ id }) => id === after) + 1);
  const items = following.slice(0, limit);
  const page = { items, hasMore: following.length > limit || hasMore };
  if (page.hasMore && lastIdOf(items) === null) throw noAdvance(response.facts);
  return page;
}
