import { UpstreamError, type UpstreamErrorFacts } from '../errors/upstream-error.ts';

/** An item of a list. An item without an id cannot be a cursor; one without a value is invalid. */
export interface ListItem {
  readonly id: string | null;
  readonly value?: unknown;
}

/** Selects at most `limit` items behind the item with the id `after`. */
export interface ListRequest {
  readonly limit: number;
  readonly after: string | null;
}

/** A list response as the server sent it: a server can ignore each parameter of the request. */
export interface ListResponse<I extends ListItem> {
  readonly items: readonly I[];
  /** `has_more`; null when the server does not send it. */
  readonly hasMore: boolean | null;
  readonly facts: UpstreamErrorFacts;
}

/** A page in the order that the reader of the list wants. */
export interface ListPage<I extends ListItem> {
  readonly items: readonly I[];
  readonly hasMore: boolean;
}

/** `newest first` is the order of the API. */
export type Order = 'newest first' | 'oldest first';

/** Thrown when a list does not have the item of a cursor: it was deleted, or it belongs to another list. */
export class UnknownListCursor extends UpstreamError {
  constructor(facts: UpstreamErrorFacts) {
    super('UPSTREAM_REJECTED', 'after: is not the id of an item of this list', facts);
  }
}

/** Whether a server rejects a page because it does not have the item of the cursor. */
export function isUnknownCursor(error: unknown): error is UpstreamError {
  if (error instanceof UnknownListCursor) return true;
  if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_REJECTED') return false;
  return error.facts.upstreamStatus === 400 || error.facts.upstreamStatus === 404;
}

/** Thrown when the wanted end of a list is further than one read goes. The next read continues. */
export class ListTooLong extends UpstreamError {
  override readonly message =
    'The upstream lists in the opposite order, and the end of this list is not read yet. Retry: each attempt reads on.';

  constructor(facts: UpstreamErrorFacts) {
    super('UPSTREAM_TIMEOUT', 'data: is in the opposite order, and longer than one read', facts);
  }
}

/** Creates the error of a server that repeats a page without end. */
export function noAdvance(facts: UpstreamErrorFacts): UpstreamError {
  const detail = 'data: does not advance; expected a last id other than the cursor';
  return new UpstreamError('UPSTREAM_INVALID_RESPONSE', detail, facts);
}

/** Returns the id of the last item that has one. */
export function lastIdOf(items: readonly ListItem[]): string | null {
  return items.findLast(({ id }) => id !== null)?.id ?? null;
}

export function idsOf(items: readonly ListItem[]): string[] {
  return items.flatMap(({ id }) => id ?? []);
}

/** Removes repeated items. Items without an id are all different. */
export function uniqueItems<I extends ListItem>(items: readonly I[]): readonly I[] {
  const ids = new Set<string>();
  let withoutId = 0;
  for (const { id } of items) {
    if (id === null) withoutId++;
    else ids.add(id);
  }
  if (ids.size + withoutId === items.length) return items;
  return items.filter(({ id }) => id === null || ids.delete(id));
}
