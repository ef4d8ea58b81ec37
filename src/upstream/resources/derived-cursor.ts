// Upstream does not know derived ids as cursors. So the page after one is read after the last id before it that the server
// knows, or from the start of the list, with a limit large enough to contain items behind it.
import { LRUCache } from 'lru-cache';
import { isRejection, UpstreamError } from '../errors/upstream-error.ts';
import { type ListItem, type ListRequest, type ListResponse, UnknownListCursor } from '../lists/list.ts';
import type { FetchList } from '../lists/section.ts';
import { endOfWholeGroups, isDerived } from './derived-id.ts';

/** A limit that all servers accept. */
const SAFE_LIMIT = 100;

/** Limits to try. */
const LIMITS = [SAFE_LIMIT, 200, 500, 1000, 2000, 5000, 10_000];

/** Items to expect behind the cursor: fewer would make pages too short. */
const MIN_ITEMS = 10;

/** Maximum calls per page. */
const MAX_CALLS = 8;

const MAX_PLACES = 10_000;

/** Where an item is: the number of items between it and the item `after`, or the start of the list. */
interface Place {
  readonly after: string | null;
  readonly index: number;
}

/**
 * Reads a page of a list whose items can have derived ids. Behind a derived cursor, the page has all items that were read:
 * more or fewer than the limit. Throws UpstreamError.
 */
export type ReadByCursor = <I extends ListItem>(request: ListRequest, fetch: FetchList<I>) => Promise<ListResponse<I>>;

export function createDerivedCursors(): ReadByCursor {
  /** Places of the last items of the pages, by their ids: a list that is read to its end takes one call per page. */
  const places = new LRUCache<string, Place>({ maxSize: MAX_PLACES, sizeCalculation: () => 1 });

  function remember(items: readonly ListItem[], after: string | null): void {
    const last = items.at(-1)?.id ?? null;
    if (!isDerived(last)) return;
    const known = items.findLastIndex(isKnownUpstream);
    places.set(last, { after: items[known]?.id ?? after, index: items.length - 1 - (known + 1) });
  }

  return async (request, fetch) => {
    const cursor = isDerived(request.after) ? request.after : null;
    const first = cursor === null ? await fetch(request) : null;
    if (first !== null && !isDerived(first.items.at(-1)?.id ?? null)) return first; // The server knows its last id.
    const place = cursor === null ? undefined : places.get(cursor);
    try {
      const { page, read, after } = await search(request, cursor, place, first, fetch);
      remember(read, after);
      return page;
    } catch (error) {
      if (cursor !== null && isRejection(error)) places.delete(cursor); // The server does not know `place.after` any more.
      throw error;
    }
  };
}

interface Found<I extends ListItem> {
  readonly page: ListResponse<I>;
  /** All items of the last response up to the end of the page, and its cursor. */
  readonly read: readonly I[];
  readonly after: string | null;
}

/**
 * Reads until there are items behind the derived cursor, in whole groups. `first` is the response to the request itself, which
 * ends with a derived id; null behind a derived cursor.
 */
async function search<I extends ListItem>(
  { limit, after }: ListRequest,
  cursor: string | null,
  place: Place | undefined,
  first: ListResponse<I> | null,
  fetch: FetchList<I>,
): Promise<Found<I>> {
  let request: ListRequest = { limit, after };
  if (cursor !== null) request = { limit: limitFor((place?.index ?? -1) + 1 + MIN_ITEMS), after: place?.after ?? null };
  let best: Found<I> | null = null;
  let canGrow = true;
  for (let [calls, length] = [0, 0]; calls < MAX_CALLS; calls++) {
    const isFirst = first !== null && calls === 0;
    const response: ListResponse<I> | null = isFirst
      ? first
      : await fetch(request).catch((error) => {
          if (isRejection(error) && request.limit > SAFE_LIMIT) return null;
          throw error;
        });
    if (response === null) {
      // The server rejects the larger limit.
      if (!canGrow) break;
      canGrow = false;
      request = { ...request, limit: LIMITS.findLast((smaller) => smaller < request.limit) ?? limit };
      if (request.limit <= length) break;
      continue;
    }
    const { items, facts } = response;
    const hasMore = response.hasMore ?? items.length === request.limit;
    const start = cursor === null ? 0 : items.findLastIndex(({ id }) => id === cursor) + 1;
    const isFound = cursor === null || start > 0;
    const foundTo = (end: number): Found<I> => {
      const isWhole = start === 0 && end === items.length;
      const page = isWhole ? response : { items: items.slice(start, end), hasMore, facts };
      return { page, read: items.slice(0, end), after: request.after };
    };
    if (cursor === null && !isDerived(items.at(-1)?.id ?? null)) return foundTo(items.length);
    const end = hasMore ? endOfWholeGroups(items, start) : items.length;
    if (isFound && end !== null) return foundTo(end);
    if (!hasMore) {
      const { upstreamRequestId, retryAfterSeconds } = facts;
      throw new UnknownListCursor({ upstreamStatus: 400, upstreamRequestId, retryAfterSeconds });
    }
    if (isFound && items.length > start) best = foundTo(items.length);
    const known = items.findLast(isKnownUpstream)?.id ?? null;
    if (known === null && (!canGrow || items.length <= length)) break; // The server has a smaller maximum.
    length = known === null ? items.length : 0;
    const larger = LIMITS.find((size) => size > request.limit);
    if (known === null && larger === undefined) break;
    request = known === null ? { ...request, limit: larger ?? limit } : { limit: SAFE_LIMIT, after: known };
  }
  if (best === null) throw withoutCursor();
  return best; // Equal items behind it may be lost.
}

const isKnownUpstream = ({ id }: ListItem) => id !== null && !isDerived(id);

const limitFor = (count: number) => LIMITS.find((limit) => limit >= count) ?? LIMITS.at(-1) ?? count;

const withoutCursor = () =>
  new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: has items without an id; expected ids, to read the next page');
