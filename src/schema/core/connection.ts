import type { ObjectRef } from '@pothos/core';
import { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Page, PageItem, PageRequest } from '../../upstream/resources/page.ts';
import { builder, type Types } from './builder.ts';
import { badUserInput } from './errors.ts';
import { countOf } from './field-cost.ts';

// Connections of the Relay specification (https://relay.dev/graphql/connections.htm) over the upstream's pages, which
// know no way back and no total.

const MAX_FIRST = 100;
/** Characters of what stands in a cursor: an id, of at most 512, and for a model what it is ordered by. */
const MAX_PLACE_LENGTH = 600;

/** A page, where it began, and the noun that marks its cursors. */
export interface Connection<T> extends Page<T> {
  readonly noun: string;
  readonly after: string | null;
  /** The id of the last item that was looked at, where that is not the last one given. */
  readonly endsAt?: string | null;
  /** How many items were looked at, where that is not those given. */
  readonly scannedCount?: number;
}
interface Edge<T> {
  noun: string;
  item: PageItem<T>;
  /** From where the list goes on behind this item. */
  after: string;
}

const PageInfo = builder.objectRef<Connection<unknown>>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.boolean({
      nullable: false,
      description: 'Whether there is more behind this page.',
      resolve: ({ hasMore }) => hasMore,
    }),
    hasPreviousPage: t.boolean({
      nullable: false,
      description: 'Always false: the upstream cannot page backwards.',
      resolve: () => false,
    }),
    startCursor: t.string({
      description: 'The cursor of the first edge; null on an empty page.',
      resolve: (page) => cursorOf(edgesOf(page).at(0)),
    }),
    endCursor: t.string({
      description:
        'Give this as `after` to get the next page; null when nothing was looked at. Behind a filter it can stand behind the last edge, or on an empty page.',
      resolve: (page) => (page.endsAt ? writeCursor(page.noun, page.endsAt) : cursorOf(edgesOf(page).at(-1))),
    }),
  }),
});

/** Defines `XConnection` and `XEdge` for the items of a list. */
export function connectionOf<T>(name: string, node: ObjectRef<Types, T>, description: string) {
  const edge = builder.objectRef<Edge<T>>(`${name}Edge`).implement({
    description: `One item of a ${name}Connection.`,
    fields: (t) => ({
      cursor: t.string({
        nullable: false,
        description: 'Give this as `after` to get what follows this item.',
        resolve: ({ noun, after }) => writeCursor(noun, after),
      }),
      node: t.field({
        type: node,
        description: 'The item; null, with an error, when the upstream sent one that cannot be understood.',
        resolve: ({ item }) => read(item) as never, // Pothos has to know that T is no list, and cannot.
      }),
    }),
  });
  return builder.objectRef<Connection<T>>(`${name}Connection`).implement({
    description,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        nullable: false,
        description: 'The items of this page, in order.',
        resolve: edgesOf,
      }),
      pageInfo: t.field({
        type: PageInfo,
        nullable: false,
        description: 'Where this page stands.',
        resolve: (page) => page,
      }),
    }),
  });
}

// An item without an id cannot be a place to go on from: its cursor is the one before it, so that nothing is skipped.
function edgesOf<T>({ items, noun, after: begin }: Connection<T>): Edge<T>[] {
  let after = begin ?? '';
  return items.map((item) => {
    after = item.id ?? after;
    return { noun, item, after };
  });
}

function read<T>(item: PageItem<T>): T {
  if (item.error) throw item.error;
  return item.value;
}

function cursorOf(edge: Edge<unknown> | undefined): string | null {
  return edge === undefined ? null : writeCursor(edge.noun, edge.after);
}

function writeCursor(noun: string, id: string): string {
  return Buffer.from(`${noun}:${id}`).toString('base64url');
}

function readCursor(noun: string, cursor: string): string | null {
  const text = Buffer.from(cursor, 'base64url').toString();
  const id = text.slice(noun.length + 1);
  if (id.length > MAX_PLACE_LENGTH || writeCursor(noun, id) !== cursor)
    throw badUserInput('after', 'a cursor that this field has given');
  return id === '' ? null : id;
}

/** The arguments of a connection field; `behind` says what comes after a cursor, e.g. `older jobs`. */
export function connectionArgs(standard: number, behind: string) {
  return builder.args((t) => ({
    first: t.int({
      defaultValue: standard,
      description: `How many, 1 to ${MAX_FIRST}; ${standard} when left out or null.`,
    }),
    after: t.string({ description: `A cursor: only what comes after it, that is, ${behind}.` }),
  }));
}

/** How many items a connection field is asked for: its `size` (src/schema/core/field-cost.ts). */
export const pageSize = (standard: number) => countOf('first', { least: 1, most: MAX_FIRST, standard });

interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** Turns `first` and `after` into what the upstream is asked. Throws BAD_USER_INPUT naming the argument. */
export function pageRequest(noun: string, standard: number, { first, after }: ConnectionArgs): PageRequest {
  const limit = first ?? standard;
  if (limit < 1 || limit > MAX_FIRST)
    throw badUserInput('first', `a whole number from 1 to ${MAX_FIRST}, got ${limit}`);
  return { limit, after: after == null ? null : readCursor(noun, after) };
}

/**
 * Reads a page. When the upstream rejects one behind a cursor, throws BAD_USER_INPUT: the item that the cursor points to
 * is not there any more, and only a client that begins anew can go on.
 */
export async function readFrom<R extends PageRequest, T>(
  request: R,
  read: (request: R) => Promise<Page<T>>,
): Promise<Page<T>> {
  try {
    return await read(request);
  } catch (error) {
    throw request.after !== null && isNotThere(error) ? badUserInput('after', GONE, error) : error;
  }
}

const GONE = 'the cursor of an item that is still there; the upstream has it no more: begin with the first page again';

function isNotThere(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError) || error.code !== 'UPSTREAM_REJECTED') return false;
  return error.facts.upstreamStatus === 400 || error.facts.upstreamStatus === 404;
}

/** A page with each of its readable items made into something else. */
export function mapPage<T, U>(page: Page<T>, make: (value: T) => U): Page<U> {
  return { ...page, items: page.items.map((item) => (item.error ? item : { id: item.id, value: make(item.value) })) };
}
