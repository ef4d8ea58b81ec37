import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeError, UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';
import { isWithinDepth } from '../json/depth.ts';
import { type ListResponse, lastIdOf, noAdvance, uniqueItems } from '../lists/list.ts';
import { identifier, orNull } from './lenient-schema.ts';
import { createReader, withReader } from './object-reader.ts';

/** An item of a list: a value, or the error of an invalid item. An invalid item does not fail the page. */
export type PageItem<T> =
  | { id: string; value: T; error?: never; digest?: never }
  | {
      id: string | null;
      value?: never;
      error: UpstreamError;
      /** Hash of the content of an item without an id; absent when it has none. */
      digest?: string;
    };

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

/** A list response before its deviations are repaired (src/upstream/lists/list-reader.ts). */
export type PageResponse<T> = ListResponse<PageItem<T>>;

// Some servers send a boolean as text or as a number.
const boolean = z.preprocess((value) => BOOLEANS.get(value) ?? value, z.boolean());
const BOOLEANS = new Map<unknown, boolean>([
  ...['true', 'True', 1, '1'].map((value) => [value, true] as const),
  ...['false', 'False', 0, '0'].map((value) => [value, false] as const),
]);
const envelope = z.object({
  data: withReader(z.array(z.unknown()).nullable(), (data) => (Array.isArray(data) ? data : undefined)),
  has_more: withReader(orNull(boolean), (value) => {
    if (value == null) return null;
    return typeof value === 'boolean' ? value : undefined;
  }),
});
const readEnvelope = createReader(envelope);
const identified = z.object({ id: identifier });

/** Parses a response of an endpoint with pages. Throws UPSTREAM_INVALID_RESPONSE above 10,000 items. */
export function readList<T extends { id: string }>(readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): PageResponse<T> => {
    const { data, has_more: hasMore } = readEnvelope(body);
    return { items: readItems(data ?? [], readItem, facts), hasMore, facts };
  };
}

/** Compares the ages of two items with a creation time. */
export function byCreation<T extends { created_at: number }>(
  { value: one }: PageItem<T>,
  { value: other }: PageItem<T>,
) {
  return one && other ? one.created_at - other.created_at : 0;
}

/** Returns the page. Throws UPSTREAM_INVALID_RESPONSE when it has more but its last id is missing or equals `after`. */
export function requireCursorAdvance<T>(page: Page<T>, after: string | null): Page<T> {
  const last = lastIdOf(page.items);
  if (page.hasMore && (last === null || last === after)) throw noAdvance({});
  return page;
}

/** More than any account has. Bounds time and memory. */
export const MAX_ITEMS = 10_000;

/** Parses a response of an endpoint without pages: each item once. Throws UPSTREAM_INVALID_RESPONSE above 10,000 items. */
export function readUnpaged<T extends { id: string }>(readItem: (body: unknown) => T) {
  return (body: unknown, facts: UpstreamErrorFacts = {}): PageItem<T>[] => [
    ...uniqueItems(readItems(readEnvelope(body).data ?? [], readItem, facts)),
  ];
}

function readItems<T extends { id: string }>(
  bodies: readonly unknown[],
  readItem: (body: unknown) => T,
  facts: UpstreamErrorFacts,
): PageItem<T>[] {
  if (bodies.length <= MAX_ITEMS) return bodies.map((body) => readPageItem(body, readItem, facts));
  const detail = `data: has ${bodies.length} items; expected at most ${MAX_ITEMS}`;
  throw new UpstreamError('UPSTREAM_INVALID_RESPONSE', detail, facts);
}

function readPageItem<T extends { id: string }>(
  body: unknown,
  readItem: (body: unknown) => T,
  facts: UpstreamErrorFacts,
): PageItem<T> {
  try {
    const value = readItem(body);
    return { id: value.id, value };
  } catch (error) {
    const id = identified.safeParse(body).data?.id ?? null;
    const digest = id === null ? contentDigest(body) : null;
    const invalid = { id, error: new UpstreamError('UPSTREAM_INVALID_RESPONSE', describeError(error), facts) };
    return digest === null ? invalid : { ...invalid, digest };
  }
}

function contentDigest(body: unknown): string | null {
  if (body === null || !isWithinDepth(body)) return null; // JSON.stringify recurses.
  return createHash('sha256').update(JSON.stringify(body)).digest('base64url');
}
