import { isRejection } from '../errors/upstream-error.ts';
import {
  type ListItem,
  type ListRequest,
  type ListResponse,
  lastIdOf,
  noAdvance,
  UnknownListCursor,
  uniqueItems,
} from './list.ts';

/** The part of a list that a response contains, without repeated items. */
export interface Section<I extends ListItem> {
  readonly request: ListRequest;
  readonly response: ListResponse<I>;
  /** All items of the response, in the order of the server. */
  readonly all: readonly I[];
  /** The index of the cursor's own item in `all`; -1 where the server excludes it, as the API does. */
  readonly cursorIndex: number;
  /** The items behind the cursor. */
  readonly items: readonly I[];
  /** Whether the list continues behind the response. */
  readonly hasMore: boolean;
  /** Whether the response starts with the first item of the list: the server has ignored the cursor, or there was none. */
  readonly isFromStart: boolean;
}

/** Requests a section. */
export type FetchList<I extends ListItem> = (request: ListRequest) => Promise<ListResponse<I>>;

function sectionOf<I extends ListItem>(request: ListRequest, response: ListResponse<I>): Section<I> {
  const { limit, after } = request;
  const all = uniqueItems(response.items);
  const cursorIndex = after === null ? -1 : all.findIndex(({ id }) => id === after);
  return {
    request,
    response,
    all,
    cursorIndex,
    items: cursorIndex < 0 ? all : all.slice(cursorIndex + 1),
    // Without `has_more`, a full page has more. A server that sends more than `limit` items ignores it, and sends all.
    hasMore: all.length > 0 && (response.hasMore ?? [all.length, response.items.length].includes(limit)),
    isFromStart: after === null || cursorIndex > 0,
  };
}

/** Limits to try with a server that repeats its first page. It may ignore `after` only. */
const LARGER_LIMITS = [100, 1000, 10_000];
const MAX_USUAL_LIMIT = 100;

/** Whether a section behind a cursor lacks its item and starts with the first item of the list. */
export function startsAt<I extends ListItem>(
  { request, all, cursorIndex }: Pick<Section<I>, 'request' | 'all' | 'cursorIndex'>,
  firstId: string | null,
): boolean {
  return request.after !== null && cursorIndex < 0 && firstId !== null && all[0]?.id === firstId;
}

/**
 * Fetches a section behind the cursor. Where the server starts at the first item of the list again, tries larger limits
 * until that shows no further item. `knownFirstId` is the id of the first item, if known; the list can have newer ones by now.
 *
 * Rejects with UnknownListCursor when the list does not have the item of the cursor, and with UPSTREAM_INVALID_RESPONSE
 * when the server claims to have more and does not advance.
 */
export async function fetchSection<I extends ListItem>(
  fetch: FetchList<I>,
  request: ListRequest,
  knownFirstId: string | null = null,
): Promise<Section<I>> {
  let section = sectionOf(request, await fetch(request));
  if (!startsAt(section, knownFirstId) && !isStuck(section)) return section;
  const isSuspect = section.response.hasMore !== true && startsAt(section, knownFirstId);
  const firstId = isSuspect ? await fetchFirstId(fetch, request) : knownFirstId;
  const isStart = ({ response, ...other }: Section<I>) => response.hasMore !== true && startsAt(other, firstId);
  for (const limit of LARGER_LIMITS) {
    const isTooShort = section.hasMore && (isStart(section) || (section.cursorIndex >= 0 && isStuck(section)));
    if (!isTooShort) break;
    if (limit <= section.request.limit) continue;
    if (section.response.hasMore === true && limit > MAX_USUAL_LIMIT) break;
    const larger = await fetchWithLimit(fetch, { ...request, limit });
    if (larger === null) throw noAdvance(section.response.facts);
    if (larger.all.length <= section.all.length) break;
    section = larger;
  }
  if (isStart(section)) throw new UnknownListCursor(section.response.facts);
  if (!isStuck(section)) return section;
  // Without `has_more`, the list ends here: its length equals the limit.
  if (section.response.hasMore === null && section.cursorIndex >= 0) return { ...section, hasMore: false };
  throw noAdvance(section.response.facts);
}

/** Whether a section has no cursor for the next one. */
const isStuck = ({ hasMore, items }: Section<ListItem>) => hasMore && lastIdOf(items) === null;

export async function fetchFirstId<I extends ListItem>(fetch: FetchList<I>, { limit }: ListRequest) {
  return sectionOf({ limit, after: null }, await fetch({ limit, after: null })).all[0]?.id ?? null;
}

/** Fetches a section with another limit. Returns null when the server rejects it. */
export async function fetchWithLimit<I extends ListItem>(
  fetch: FetchList<I>,
  request: ListRequest,
): Promise<Section<I> | null> {
  try {
    return sectionOf(request, await fetch(request));
  } catch (error) {
    if (isRejection(error)) return null;
    throw error;
  }
}
