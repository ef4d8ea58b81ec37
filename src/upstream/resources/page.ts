import { z } from 'zod';
import { describeInvalidBody, UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';
import { identifier } from './lenient-schema.ts';

/** A member of a list: read, or not readable. One bad item does not cost the others. */
export type PageItem<T> =
  | { id: string; value: T; error?: never }
  | { id: string | null; value?: never; error: UpstreamError };

/** One page of a list, newest first where the upstream says so. */
export interface Page<T> {
  readonly items: readonly PageItem<T>[];
  readonly hasMore: boolean;
}

/** Which page: at most `limit` items, those after (older than) the item with the id `after`. */
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
 * Reads a list answer. A server that ignores `limit` is cut to it; one that does not say `has_more` is taken to have
 * more when the page is full; "more" behind an empty page is not believed. A page that has more behind it but no item
 * to go on from, other than where it began, fails with UPSTREAM_INVALID_RESPONSE: some servers repeat a page for ever.
 */
export function readPage<T extends { id: string }>({ limit, after }: PageRequest, readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): Page<T> => {
    const { data, has_more: hasMore } = envelope.parse(body);
    const all = data ?? [];
    const items = readItems(all.slice(0, limit), readItem, facts);
    const page = { items, hasMore: items.length > 0 && (all.length > limit || (hasMore ?? all.length >= limit)) };
    return requireCursorAdvance(page, after, facts);
  };
}

/** The page that begins behind `after`. Throws when it has more behind it and yet no place to go on from but that one. */
export function requireCursorAdvance<T>(page: Page<T>, after: string | null, facts: UpstreamErrorFacts = {}): Page<T> {
  const last = page.items.findLast(({ id }) => id !== null)?.id ?? null;
  if (page.hasMore && (last === null || last === after)) {
    throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', 'data: the page does not go beyond its cursor', facts);
  }
  return page;
}

/** Far more than any account has; each item takes time and memory. */
const MAX_ITEMS = 10_000;

/** Reads the answer of an endpoint that knows no pages. Fails with UPSTREAM_INVALID_RESPONSE past 10,000 items. */
export function readUnpaged<T extends { id: string }>(readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): PageItem<T>[] => {
    const all = envelope.parse(body).data ?? [];
    if (all.length <= MAX_ITEMS) return readItems(all, readItem, facts);
    throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', `data: expected at most ${MAX_ITEMS} items`, facts);
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
      error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeInvalidBody(error), facts),
    };
  }
}
