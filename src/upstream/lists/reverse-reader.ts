import { LRUCache } from 'lru-cache';
import { UpstreamError } from '../errors/upstream-error.ts';
import {
  idsOf,
  type ListItem,
  type ListPage,
  type ListRequest,
  ListTooLong,
  lastIdOf,
  UnknownListCursor,
} from './list.ts';
import { type FetchList, fetchSection, type Section, startsAt } from './section.ts';

// Pages of a list whose server lists it in the opposite order and cannot page backward. The last items of the server's
// list are the first ones wanted. So the list is read to its end once, and its ids are remembered: a page is then read
// with the cursor that lies one page before it.

/** A list of one credential. */
export interface ListSource<I extends ListItem> {
  /** Identifies the list. */
  readonly key: string;
  readonly fetch: FetchList<I>;
}

export interface ReverseReader<I extends ListItem> {
  /**
   * Returns a page in the opposite order of the server's. Returns null when `isOpposite` denies that the items read are in
   * that order. Rejects with UnknownListCursor, with ListTooLong, or as `source.fetch` does.
   */
  page(request: ListRequest, source: ListSource<I>): Promise<ListPage<I> | null>;
}

export interface ReverseReaderOptions<I extends ListItem> {
  /** Whether items never change, and new ones are added at the end of the server's list: only new ones are read again. */
  readonly isAppendOnly: boolean;
  /** Whether the items, in the order of the server, can be in the opposite order. */
  readonly isOpposite: (items: readonly I[]) => boolean;
}

/** The known part of a list, from its start in the order of the server. */
interface KnownList<I> {
  readonly ids: readonly string[];
  /** The last known items; empty unless the list is append-only. */
  readonly tail: readonly I[];
}

const PAGE_SIZE = 100;
/** Maximum upstream pages per read: 5,000 items. */
export const PAGES_PER_READ = 50;
/** Maximum ids of all known lists: about 15 MB. */
const MAX_IDS = 200_000;

export function createReverseReader<I extends ListItem & object>({
  isAppendOnly,
  isOpposite,
}: ReverseReaderOptions<I>): ReverseReader<I> {
  const lists = new LRUCache<string, KnownList<I>>({
    maxSize: MAX_IDS,
    sizeCalculation: ({ ids, tail }) => ids.length + 10 * tail.length + 1,
  });

  /** Returns the known items to keep. A list that fits on one page is read as a whole, so that its order is seen again. */
  function resumeOf({ ids, tail }: KnownList<I>, limit: number): KnownList<I> {
    if (ids.length < PAGE_SIZE) return NOTHING;
    if (isAppendOnly && tail.length >= limit) return { ids, tail };
    return { ids: ids.slice(0, Math.max(0, ids.length - limit)), tail: [] };
  }

  /** Returns the items at the end of the server's list. Continues where the last read ended. */
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
      items = items.concat(section.items);
      if (!isOpposite(items)) {
        lists.delete(source.key);
        return null;
      }
      ids = ids.concat(idsOf(section.items));
      const kept = items.slice(-Math.max(limit, PAGE_SIZE));
      lists.set(source.key, { ids, tail: isAppendOnly ? kept.slice(-PAGE_SIZE) : [] });
      if (!section.hasMore) return pageOf(items, limit, ids.length > idsOf(items).length);
      if (pages === PAGES_PER_READ) throw new ListTooLong(section.response.facts);
      items = kept;
      section = await fetchSection(source.fetch, { limit: PAGE_SIZE, after: lastIdOf(section.items) }, ids[0]);
    }
  }

  /** Returns the known ids that include `after`; null when the order is not the opposite one. */
  async function findIds(after: string, source: ListSource<I>): Promise<readonly string[] | null> {
    const isKnown = () => lists.get(source.key)?.ids.includes(after) === true;
    if (!isKnown() && (await readEnd(1, source)) === null) return null;
    if (!isKnown()) throw new UnknownListCursor({});
    return lists.get(source.key)?.ids ?? [];
  }

  /** Returns the items before `after` in the order of the server. */
  async function readBefore(
    request: ListRequest & { readonly after: string },
    source: ListSource<I>,
    isRetry = false,
  ): Promise<ListPage<I> | null> {
    const { limit, after } = request;
    const ids = await findIds(after, source);
    if (ids === null) return null;
    const position = ids.indexOf(after);
    const known = ids.slice(0, Math.max(0, position - limit));
    let section = await fetchAfterKnown(source, { limit, after: known.at(-1) ?? null }, known);
    if (section === null) {
      if (isRetry) throw new UnknownListCursor({});
      lists.delete(source.key);
      return await readBefore(request, source, true);
    }
    const items: I[] = [];
    for (let pages = 1; ; pages++) {
      const end = section.items.findIndex(({ id }) => id === after);
      items.push(...(end < 0 ? section.items : section.items.slice(0, end)));
      const last = lastIdOf(section.items);
      if (end >= 0 || (last !== null && last === ids[position - 1])) break;
      if (!section.hasMore) throw new UnknownListCursor(section.response.facts); // Deleted since.
      if (pages === PAGES_PER_READ) throw new ListTooLong(section.response.facts);
      section = await fetchSection(source.fetch, { limit, after: last }, ids[0]);
    }
    // In a list that is wanted oldest first, new items are at the start.
    if (known.length === 0 && !isAppendOnly)
      lists.set(source.key, { ids: idsOf(items).concat(ids.slice(position)), tail: [] });
    return pageOf(items, limit, known.length > 0);
  }

  return {
    page: ({ limit, after }, source) =>
      after === null ? readEnd(limit, source) : readBefore({ limit, after }, source),
  };
}

const NOTHING: KnownList<never> = { ids: [], tail: [] };

/** Returns the page of the last items, in the opposite order. */
function pageOf<I extends ListItem>(items: readonly I[], limit: number, hasMoreBefore: boolean): ListPage<I> {
  return { items: items.slice(-limit).reverse(), hasMore: hasMoreBefore || items.length > limit };
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
    return startsAt(section, known[0] ?? null) ? null : section;
  } catch (error) {
    if (error instanceof UnknownListCursor || isMissingCursor(error)) return null;
    throw error;
  }
}

const isMissingCursor = (error: unknown) =>
  error instanceof UpstreamError &&
  error.code === 'UPSTREAM_REJECTED' &&
  [400, 404].includes(error.facts.upstreamStatus ?? 0);
