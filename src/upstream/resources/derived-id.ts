// Some servers send items without an id (docs/upstream.md: Lists and cursors). Where the content identifies an item, its id
// is derived from the content: the same on each page and after a restart. Upstream does not know derived ids as cursors.
import { createHash } from 'node:crypto';
import { isRejection, UpstreamError } from '../errors/upstream-error.ts';
import { isValidName } from '../http/path.ts';
import { canonicalJson } from '../json/canonical.ts';
import { isObject, type Members } from '../json/members.ts';
import { type ListItem, type ListRequest, type ListResponse, UnknownListCursor } from '../lists/list.ts';

const PREFIX = 'derived-';

/**
 * Adds an id to each item of a list's body that lacks a valid one. `identityOf` returns what identifies the item, or null
 * when it cannot be read. Equal items of one page are counted from the oldest, so that newer ones change no id. Equal items
 * on different pages have the same id: there they cannot be told from an item that the server repeats.
 */
export function withDerivedIds(body: unknown, identityOf: (item: Members) => unknown): unknown {
  const { data } = Object(body);
  if (!Array.isArray(data) || !data.some(isWithoutId)) return body;
  const counts = new Map<string, number>();
  const items: unknown[] = data.toReversed().map((item: unknown) => {
    if (!isWithoutId(item)) return item;
    const identity = identityOf(item);
    if (identity === null) return item;
    const id = PREFIX + createHash('sha256').update(canonicalJson(identity)).digest('hex').slice(0, 32);
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return { ...item, id: count === 1 ? id : `${id}-${count}` };
  });
  return { ...Object(body), data: items.reverse() };
}

function isWithoutId(item: unknown): item is Members {
  return isObject(item) && !(typeof item['id'] === 'string' && isValidName(item['id']));
}

const isDerived = (id: string) => id.startsWith(PREFIX);

/** Maximum calls to find a derived id. */
const MAX_CALLS = 8;

/** A limit that all servers accept. */
const SAFE_LIMIT = 100;

/**
 * Reads a page. After a derived id it reads the list from its start until there are items behind the derived one: after the
 * last id that the server knows, or with a larger limit. Such a page can be shorter than the limit. Throws UpstreamError.
 */
export async function readAfterDerivedId<I extends ListItem>(
  { limit, after }: ListRequest,
  read: (request: ListRequest) => Promise<ListResponse<I>>,
): Promise<ListResponse<I>> {
  if (after === null || !isDerived(after)) return read({ limit, after });
  let request: ListRequest = { limit: Math.max(limit, SAFE_LIMIT), after: null };
  for (let [calls, length] = [0, 0]; calls < MAX_CALLS; calls++) {
    const page = await read(request).catch(calls === 0 ? rethrow : throwWithoutCursor);
    const { items, facts } = page;
    const hasMore = page.hasMore === true;
    const index = items.findLastIndex(({ id }) => id === after);
    const rest = items.slice(index + 1);
    if (index >= 0 && (rest.length > 0 || !hasMore))
      return { items: rest.slice(0, limit), hasMore: hasMore || rest.length > limit, facts };
    if (!hasMore) throw new UnknownListCursor({ ...facts, upstreamStatus: 400 });
    const known = items.findLast(({ id }) => id !== null && !isDerived(id))?.id ?? null;
    if (known === null && items.length <= length) throw withoutCursor(); // The server has a smaller maximum.
    length = known === null ? items.length : 0;
    request = known === null ? { ...request, limit: 2 * request.limit } : { ...request, after: known };
  }
  throw withoutCursor();
}

const withoutCursor = () =>
  new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: has items without an id; expected ids, to read the next page');

// A server can reject the larger limit.
function throwWithoutCursor(error: unknown): never {
  throw isRejection(error) ? withoutCursor() : error;
}

function rethrow(error: unknown): never {
  throw error;
}
