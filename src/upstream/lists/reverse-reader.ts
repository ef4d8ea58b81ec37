import type { CachePartition } from '../../memory-cache.ts';
import { UpstreamError } from '../errors/upstream-error.ts';
import {
  idsOf,
  type ListItem,
  type ListPage,
  type ListRequest,
  ListTooLong,
  lastIdOf,
  UnknownListCursor,
  uniqueItems,
} from './list.ts';
import type { ListKey } from './order-memory.ts';
import { type FetchList, fetchSection, type Section } from './section.ts';

// Pages of a list whose server lists it in the opposite order and cannot page backward. The last items of the server's
// list are the first ones wanted. So the list is read to its end once, and its ids are remembered: a page is then read
// with the cursor that lies one page before it.

/** A list of one credential. */
export interface ListSource<I extends ListItem> extends ListKey {
  readonly fetch: FetchList<I>;
  /** Whether a section can be one of a list in the opposite order. */
  readonly isOpposite: (section: readonly I[]) => boolean;
}

export interface ReverseReader<I extends ListItem> {
  /**
   * Returns a page in the opposite order of the server's. Returns null when `source.isOpposite` denies that a section is in
   * that order. Rejects with UnknownListCursor, with ListTooLong, or as `source.fetch` does.
   */
  page(request: ListRequest, source: ListSource<I>): Promise<ListPage<I> | null>;
}

export interface ReverseReaderOptions<I> {
  /** The known lists by their keys. */
  readonly lists: CachePartition<KnownList<I>>;
  /** Whether items never change, and new ones are added near the end of the server's list: only those are read again. */
  readonly isAppendOnly: boolean;
}

/** The known part of a list, from its start in the order of the server. */
export interface KnownList<I> {
  readonly ids: readonly string[];
  /** The last known items; empty unless the list is append-only. */
  readonly tail: readonly I[];
}

const PAGE_SIZE = 100;
/** Maximum upstream pages per read: 5,000 items. */
export const PAGES_PER_READ = 50;
/** Estimated size of a known id and of a known event, in bytes. Measured. */
const [BYTES_PER_ID, BYTES_PER_ITEM] = [75, 750];

/** Ids at the end of a log that are read again: a new event can appear behind them. The response has room for as many new ones. */
const OVERLAP = 50;

export function createReverseReader<I extends ListItem & object>({
  lists,
  isAppendOnly,
}: ReverseReaderOptions<I>): ReverseReader<I> {
  function store(key: string, list: KnownList<I>): void {
    lists.set(key, list, BYTES_PER_ID * list.ids.length + BYTES_PER_ITEM * list.tail.length);
  }

  /** Returns the known items to keep. A list that fits on one page is read as a whole, so that its order is seen again. */
  function resumeOf({ ids, tail }: KnownList<I>, limit: number): KnownList<I> {
    if (ids.length < PAGE_SIZE) return NOTHING;
    const cursor = ids.at(-1 - OVERLAP);
    const end = tail.findIndex(({ id }) => id === cursor) + 1;
    if (isAppendOnly && end > 0 && tail.length >= limit)
      return { ids: ids.slice(0, -OVERLAP), tail: tail.slice(0, end) };
    return { ids: ids.slice(0, Math.max(0, ids.length - limit)), tail: [] };
  }

  /** Returns the items at the end of the server's list. Continues near the end of the last read. */
  async function readEnd(limit: number, source: ListSource<I>): Promise<ListPage<I> | null> {
    const before = lists.get(source.key) ?? NOTHING;
    const resume = resumeOf(before, limit);
    const first = await fetchAfterKnown(source, { limit: PAGE_SIZE, after: resume.ids.at(-1) ?? null }, resume.ids);
    // Some servers return an empty page behind an item that they do not have any more.
    const hadMore = resume.ids.length > 0 && resume.ids.length < before.ids.length;
    if (first !== null && !(hadMore && first.items.length === 0)) return await readOn(limit, source, resume, first);
    lists.delete(source.key); // The item that was the cursor does not exist any more: reads from the start.
    return await readEnd(limit, source);
  }

  /** Reads from a section behind the known items to the end of the list, and remembers it. */
  async function readOn(limit: number, source: ListSource<I>, known: KnownList<I>, first: Section<I>) {
    let { ids, tail: items } = known;
    let section = first;
    for (let pages = 1; ; pages++) {
      if (isDenied(section, source)) return null;
      items = items.concat(section.items);
      ids = ids.concat(idsOf(section.items));
      const kept = items.slice(-Math.max(limit, PAGE_SIZE));
      store(source.key, { ids, tail: isAppendOnly ? kept.slice(-PAGE_SIZE) : [] });
      if (!section.hasMore) return pageOf(items, limit, ids.length > idsOf(items).length);
      if (pages === PAGES_PER_READ) throw new ListTooLong(section.response.facts);
      items = kept;
      section = await fetchSection(source.fetch, { limit: PAGE_SIZE, after: lastIdOf(section.items) }, ids[0]);
    }
  }

  /** Whether the server lists in the wanted order now: forgets the list. */
  function isDenied({ items }: Section<I>, source: ListSource<I>): boolean {
    if (source.isOpposite(items)) return false;
    lists.delete(source.key);
    return true;
  }

  /** Returns the known ids that include `after`; null when the order is not the opposite one. */
  async function findIds(after: string, source: ListSource<I>): Promise<readonly string[] | null> {
    const known = () => lists.get(source.key)?.ids ?? [];
    if (known().includes(after)) return known();
    const isResumed = known().length >= PAGE_SIZE;
    if ((await readEnd(1, source)) === null) return null;
    if (!known().includes(after) && isResumed && known().length <= PAGE_SIZE * PAGES_PER_READ) {
      lists.delete(source.key); // It can be an item that was inserted among the known ones.
      if ((await readEnd(1, source)) === null) return null;
    }
    if (!known().includes(after)) throw new UnknownListCursor({});
    return known();
  }

  /** Returns the items before `after` in the order of the server. Reads the list again when the known ids are outdated. */
  async function readBefore(request: BackwardRequest, source: ListSource<I>): Promise<ListPage<I> | null> {
    for (let isRetry = false; ; isRetry = true) {
      const ids = await findIds(request.after, source);
      if (ids === null) return null;
      const page = await readKnown(request, source, ids);
      if (page !== 'outdated') return page;
      if (isRetry) throw new UnknownListCursor({});
      lists.delete(source.key);
    }
  }

  /** The same by these ids. Returns `outdated` when the server does not have the expected items any more. */
  async function readKnown(
    { limit, after }: BackwardRequest,
    source: ListSource<I>,
    ids: readonly string[],
  ): Promise<ListPage<I> | 'outdated' | null> {
    const position = ids.indexOf(after);
    const known = ids.slice(0, Math.max(0, position - limit));
    const following = new Set(ids.slice(position));
    let section = await fetchAfterKnown(source, { limit, after: known.at(-1) ?? null }, known);
    const items: I[] = [];
    for (let pages = 1; ; pages++) {
      if (section === null) return 'outdated';
      if (isDenied(section, source)) return null;
      const end = section.items.findIndex(({ id }) => id !== null && following.has(id));
      items.push(...(end < 0 ? section.items : section.items.slice(0, end)));
      const last = lastIdOf(section.items);
      if (end >= 0 || (last !== null && last === ids[position - 1])) break;
      if (!section.hasMore) return 'outdated'; // The item of the cursor, or one before it, was deleted.
      if (pages === PAGES_PER_READ) throw new ListTooLong(section.response.facts);
      section = await fetchSection(source.fetch, { limit, after: last }, ids[0]);
    }
    if (items.length === 0 && known.length > 0) return 'outdated'; // An empty page has no cursor to continue with.
    remember(source, ids, [...known, ...idsOf(items), ...following]);
    return pageOf(items, limit, known.length > 0);
  }

  /** Stores the ids with inserted items, unless another read has stored newer ones. */
  function remember({ key }: ListSource<I>, before: readonly string[], ids: readonly string[]): void {
    const isChanged = ids.length !== before.length || ids.some((id, index) => id !== before[index]);
    if (isChanged && lists.get(key)?.ids === before) store(key, { ids, tail: [] });
  }

  return {
    page: ({ limit, after }, source) =>
      after === null ? readEnd(limit, source) : readBefore({ limit, after }, source),
  };
}

/** Selects the items before the item `after`, in the order of the server. */
type BackwardRequest = ListRequest & { readonly after: string };

const NOTHING: KnownList<never> = { ids: [], tail: [] };

/** Returns the page of the last items, in the opposite order. */
function pageOf<I extends ListItem>(items: readonly I[], limit: number, hasMoreBefore: boolean): ListPage<I> {
  return { items: uniqueItems(items).slice(-limit).reverse(), hasMore: hasMoreBefore || items.length > limit };
}

/** Returns the section behind the known ids; null when the server does not have the last of them any more. */
async function fetchAfterKnown<I extends ListItem>(
  source: ListSource<I>,
  request: ListRequest,
  known: readonly string[],
): Promise<Section<I> | null> {
  if (request.after === null) return await fetchSection(source.fetch, request);
  try {
    const section = await fetchSection(source.fetch, request, known[0]);
    // After its order has changed, or where it ignores the cursor, a server sends items that are known to be before it.
    const isBefore = section.cursorIndex < 0 && known.includes(section.all[0]?.id ?? '');
    return isBefore ? null : section;
  } catch (error) {
    if (error instanceof UnknownListCursor || isMissingCursor(error)) return null;
    throw error;
  }
}

const isMissingCursor = (error: unknown) =>
  error instanceof UpstreamError &&
  error.code === 'UPSTREAM_REJECTED' &&
  [400, 404].includes(error.facts.upstreamStatus ?? 0);
