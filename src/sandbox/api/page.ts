import type { ApiError } from './api-error.ts';
import { integerOutOfRange, invalidType } from './validation-error.ts';

/** The list envelope of jobs and events, which has neither `first_id` nor `last_id`. */
export interface ListBody<T> {
  readonly object: 'list';
  readonly data: readonly T[];
  readonly has_more: boolean;
}

/** The list envelope of checkpoints and files. */
export interface NamedListBody<T> extends ListBody<T> {
  readonly first_id: string | null;
  readonly last_id: string | null;
}

interface Identified {
  readonly id: string;
}

/** The first `limit` items of a list in which at most that many, or more, are left. */
export function listBody<T>(left: IteratorObject<T>, limit: number): ListBody<T> {
  const items = left.take(limit + 1).toArray();
  return { object: 'list', data: items.slice(0, limit), has_more: items.length > limit };
}

/** The same with the ids of the first and the last item; null when there is none. */
export function namedListBody<T extends Identified>(left: IteratorObject<T>, limit: number): NamedListBody<T> {
  const { object, data, has_more } = listBody(left, limit);
  return { object, data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more };
}

/** What comes after the item that `after` names, if any; throws what `unknown` makes when there is no such item. */
export function leftAfter<T extends Identified>(
  items: readonly T[],
  query: URLSearchParams,
  unknown: (id: string) => ApiError,
): IteratorObject<T> {
  const after = query.get('after');
  if (after === null) return items.values();
  const position = items.findIndex(({ id }) => id === after);
  if (position < 0) throw unknown(after); // What the real API answers is not known.
  return items.values().drop(position + 1);
}

/** Reads `limit`: a whole number from 1 up, without a maximum (none is known). Throws a Refusal. */
export function readLimit(query: URLSearchParams, standard: number): number {
  const limit = query.get('limit');
  if (limit === null) return standard;
  if (!/^-?\d+$/.test(limit)) throw invalidType('limit', 'an integer', limit);
  if (Number(limit) < 1) throw integerOutOfRange('limit', limit, 'too_small', 1);
  return Number(limit);
}
