import type { ObjectRef } from '@pothos/core';
import { isUnknownCursor } from '../../upstream/lists/list.ts';
import type { Page, PageItem, PageRequest } from '../../upstream/resources/page.ts';
import { builder, type Types } from './builder.ts';
import { badUserInput } from './errors.ts';
import { countOf } from './field-cost.ts';

// Connections of the Relay specification (https://relay.dev/graphql/connections.htm) over the pages of the upstream,
// which have no previous page and no total count.

const MAX_FIRST = 100;
/** Characters in a decoded cursor: an id has at most 512, and the cursor of a model also has its sort key. */
const MAX_CURSOR_LENGTH = 600;

/** A page, the cursor that it starts after, and the noun that marks the cursors of its list. */
export interface Connection<T> extends Page<T> {
  readonly noun: string;
  readonly after: string | null;
  /** The id of the last item that was read, when a filter removed it from the page. */
  readonly endsAt?: string | null;
  /** Number of items that were read, when a filter removed some. */
  readonly scannedCount?: number;
}
interface Edge<T> {
  noun: string;
  item: PageItem<T>;
  /** The id that the next page starts after. */
  after: string;
}

const PageInfo = builder.objectRef<Connection<unknown>>('PageInfo').implement({
  description: 'The position of a page in its list.',
  fields: (t) => ({
    hasNextPage: t.boolean({
      nullable: false,
      description: 'Whether the list has items after this page.',
      resolve: ({ hasMore }) => hasMore,
    }),
    hasPreviousPage: t.boolean({
      nullable: false,
      description: 'Always false: lists are paged forward only.',
      resolve: () => false,
    }),
    startCursor: t.string({
      description: 'The cursor of the first edge. Null when the page has no edges.',
      resolve: (page) => cursorOf(edgesOf(page).at(0)),
    }),
    endCursor: t.string({
      description:
        'Pass this as `after` to get the next page. Normally the cursor of the last edge. With a filter, the cursor of the last item that was read: so an empty page can have one. Null when no item was read.',
      resolve: (page) => (page.endsAt ? writeCursor(page.noun, page.endsAt) : cursorOf(edgesOf(page).at(-1))),
    }),
  }),
});

/** Defines `XConnection` and `XEdge` for a list of nodes. */
export function connectionOf<T>(name: string, node: ObjectRef<Types, T>, description: string) {
  const edge = builder.objectRef<Edge<T>>(`${name}Edge`).implement({
    description: `An item of a ${name}Connection and its cursor.`,
    fields: (t) => ({
      cursor: t.string({
        nullable: false,
        description: 'The position of this item: pass it as `after` to get the items after this one. Opaque.',
        resolve: ({ noun, after }) => writeCursor(noun, after),
      }),
      node: t.field({
        type: node,
        description: 'The item. Null, with an error, when the upstream sent an invalid one.',
        resolve: ({ item }) => itemValue(item) as never, // Pothos cannot prove that T is not a list.
      }),
    }),
  });
  return builder.objectRef<Connection<T>>(`${name}Connection`).implement({
    description,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        nullable: false,
        description: 'The items of this page, in the order of the list.',
        resolve: edgesOf,
      }),
      nodes: t.field({
        type: [node],
        nullable: { list: false, items: true },
        description:
          'The items of this page without their cursors, in the order of the list. An item is null, with an error, when the upstream sent an invalid one.',
        resolve: ({ items }) => items.map((item) => item.error ?? item.value) as never, // Pothos cannot prove that T is not a list.
      }),
      pageInfo: t.field({
        type: PageInfo,
        nullable: false,
        description: 'Whether the list has a next page, and the cursor to get it.',
        resolve: (page) => page,
      }),
    }),
  });
}

// No page can start after an item without an id. It gets the cursor of the item before it, so that none is skipped.
function edgesOf<T>({ items, noun, after: start }: Connection<T>): Edge<T>[] {
  let after = start ?? '';
  return items.map((item) => {
    after = item.id ?? after;
    return { noun, item, after };
  });
}

function itemValue<T>(item: PageItem<T>): T {
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
  if (id.length > MAX_CURSOR_LENGTH || writeCursor(noun, id) !== cursor) throw unknownCursor();
  return id === '' ? null : id;
}

/** Creates the error of a cursor that does not belong to the list. */
export const unknownCursor = () => badUserInput('after', UNKNOWN_CURSOR);

const UNKNOWN_CURSOR =
  'is not a cursor of this list; expected endCursor of a page of the same list with the same filter';

/** Defines the arguments of a connection field. `itemsAfter` names the items after a cursor, such as `older jobs`. */
export function connectionArgs(defaultFirst: number, itemsAfter: string) {
  return builder.args((t) => ({
    first: t.int({
      defaultValue: defaultFirst,
      description: `Maximum number of items, from 1 to ${MAX_FIRST}. By default, and when null, ${defaultFirst}.`,
    }),
    after: t.string({
      description: `A cursor: the page starts after its item, with ${itemsAfter}. By default, and when null, the page starts with the first item.`,
    }),
  }));
}

/** Returns the `size` of a connection field: the requested number of items (src/schema/core/field-cost.ts). */
export const pageSize = (defaultFirst: number) => countOf('first', { min: 1, max: MAX_FIRST, fallback: defaultFirst });

interface ConnectionArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** Returns the page request of `first` and `after`. Throws BAD_USER_INPUT naming the argument. */
export function pageRequest(noun: string, defaultFirst: number, { first, after }: ConnectionArgs): PageRequest {
  const limit = first ?? defaultFirst;
  if (limit < 1 || limit > MAX_FIRST)
    throw badUserInput('first', `is ${limit}; expected an integer from 1 to ${MAX_FIRST}, such as ${defaultFirst}`);
  return { limit, after: after == null ? null : readCursor(noun, after) };
}

/**
 * Reads a page. Throws BAD_USER_INPUT when the upstream rejects the page after a cursor: the item of the cursor does not
 * exist any more, so the client has to start with the first page.
 */
export async function readFrom<R extends PageRequest, T>(
  request: R,
  read: (request: R) => Promise<Page<T>>,
): Promise<Page<T>> {
  try {
    return await read(request);
  } catch (error) {
    throw request.after !== null && isUnknownCursor(error) ? badUserInput('after', DELETED_ITEM, error) : error;
  }
}

const DELETED_ITEM =
  'is the cursor of an item that the upstream does not have any more; start again with the first page, without after';

/** Maps the valid items of a page. */
export function mapPage<T, U>(page: Page<T>, map: (value: T) => U): Page<U> {
  return { ...page, items: page.items.map((item) => (item.error ? item : { id: item.id, value: map(item.value) })) };
}
