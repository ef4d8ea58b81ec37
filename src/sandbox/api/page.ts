import type { ApiError } from './api-error.ts';
import { integerOutOfRange, invalidType } from './validation-error.ts';

/** The list envelope of jobs and events. */
export interface ListBody<T> {
  readonly object: 'list';
  readonly data: readonly T[];
  readonly has_more: boolean;
}

/** The list envelope of checkpoints, files and permissions. The ids are null when the list is empty. */
export interface ListBodyWithIds<T> extends ListBody<T> {
  readonly first_id: string | null;
  readonly last_id: string | null;
}

interface Identified {
  readonly id: string;
}

/** The envelope with the first `limit` of the remaining items. */
export function listBody<T>(remaining: IteratorObject<T>, limit: number): ListBody<T> {
  const items = remaining.take(limit + 1).toArray();
  return { object: 'list', data: items.slice(0, limit), has_more: items.length > limit };
}

export function listBodyWithIds<T extends Identified>(remaining: IteratorObject<T>, limit: number): ListBodyWithIds<T> {
  const list = listBody(remaining, limit);
  return { ...list, first_id: list.data[0]?.id ?? null, last_id: list.data.at(-1)?.id ?? null };
}

/** The items after the cursor `after`; all without one. Throws `unknownCursor(id)` when it is not in the list. */
export function itemsAfter<T extends Identified>(
  items: readonly T[],
  query: URLSearchParams,
  unknownCursor: (id: string) => ApiError,
): IteratorObject<T> {
  const after = query.get('after');
  if (after === null) return items.values();
  const position = items.findIndex(({ id }) => id === after);
  if (position < 0) throw unknownCursor(after); // The response of the real API is not recorded.
  return items.values().drop(position + 1);
}

/** Reads `limit`: an integer of at least 1, without a maximum, as none is documented. Throws ApiError. */
export function readLimit(query: URLSearchParams, defaultLimit: number): number {
  const limit = query.get('limit');
  if (limit === null) return defaultLimit;
  if (!/^-?\d+$/.test(limit)) throw invalidType('limit', 'an integer', limit);
  if (Number(limit) < 1) throw integerOutOfRange('limit', limit, 'too_small', 1);
  return Number(limit);
}
