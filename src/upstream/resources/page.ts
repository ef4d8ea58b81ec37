import { z } from 'zod';
import { describeError, UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';
import { identifier } from './lenient-schema.ts';

/** An item of a list: a value, or the error of an invalid item. An invalid item does not fail the page. */
export type PageItem<T> =
  | { id: string; value: T; error?: never }
  | { id: string | null; value?: never; error: UpstreamError };

/** One page of a list, in the order of the upstream. */
export interface Page<T> {
  readonly items: readonly PageItem<T>[];
  readonly hasMore: boolean;
}

/** Selects a page: at most `limit` items after (older than) the item with the id `after`. */
export interface PageRequest {
  readonly limit: number;
  readonly after: string | null;
}

const envelope = z.object({
  data: z.array(z.unknown()).nullable(),
  has_more: z.boolean().nullish(),
});
const identified = z.object({ id: identifier });

/**
 * Parses a list response. Truncates a page longer than `limit`. Without `has_more`, a full page has more; an empty page
 * never has. Throws UPSTREAM_INVALID_RESPONSE when the cursor of the next page would not advance, as some servers repeat a
 * page without end.
 */
export function readPage<T extends { id: string }>({ limit, after }: PageRequest, readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): Page<T> => {
    const { data, has_more: hasMore } = envelope.parse(body);
    const bodies = data ?? [];
    const items = readItems(bodies.slice(0, limit), readItem, facts);
    const page = { items, hasMore: items.length > 0 && (bodies.length > limit || (hasMore ?? bodies.length >= limit)) };
    return requireCursorAdvance(page, after, facts);
  };
}

/** Returns the page. Throws UPSTREAM_INVALID_RESPONSE when it has more but its last id is missing or equals `after`. */
export function requireCursorAdvance<T>(page: Page<T>, after: string | null, facts: UpstreamErrorFacts = {}): Page<T> {
  const last = page.items.findLast(({ id }) => id !== null)?.id ?? null;
  if (page.hasMore && (last === null || last === after)) {
    throw new UpstreamError(
      'UPSTREAM_INVALID_RESPONSE',
      'data: does not advance; expected a last id other than the cursor',
      facts,
    );
  }
  return page;
}

/** More than any account has. Bounds time and memory. */
const MAX_ITEMS = 10_000;

/** Parses a list response of an endpoint without pages. Throws UPSTREAM_INVALID_RESPONSE above 10,000 items. */
export function readUnpaged<T extends { id: string }>(readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): PageItem<T>[] => {
    const bodies = envelope.parse(body).data ?? [];
    if (bodies.length <= MAX_ITEMS) return readItems(bodies, readItem, facts);
    const detail = `data: has ${bodies.length} items; expected at most ${MAX_ITEMS}`;
    throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', detail, facts);
  };
}

const readItems = <T extends { id: string }>(
  bodies: readonly unknown[],
  readItem: (body: unknown) => T,
  facts: UpstreamErrorFacts,
) => bodies.map((body) => readPageItem(body, readItem, facts));

function readPageItem<T extends { id: string }>(
  body: unknown,
  readItem: (body: unknown) => T,
  facts: UpstreamErrorFacts,
): PageItem<T> {
  try {
    const value = readItem(body);
    return { id: value.id, value };
  } catch (error) {
    const { data } = identified.safeParse(body);
    return {
      id: data?.id ?? null,
      error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeError(error), facts),
    };
  }
}
