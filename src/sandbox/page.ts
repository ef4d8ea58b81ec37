import { belowMinimum, wrongType } from './errors.ts';

/** The list envelope of jobs, which has neither `first_id` nor `last_id`. */
export interface ListBody<T> {
  readonly object: 'list';
  readonly data: readonly T[];
  readonly has_more: boolean;
}

/** The first `limit` items of a list in which at most that many, or more, are left. */
export function listBody<T>(left: IteratorObject<T>, limit: number): ListBody<T> {
  const items = left.take(limit + 1).toArray();
  return { object: 'list', data: items.slice(0, limit), has_more: items.length > limit };
}

/** Reads `limit`: a whole number from 1 up, without a maximum (none is known). Throws a Refusal. */
export function readLimit(query: URLSearchParams, standard: number): number {
  const limit = query.get('limit');
  if (limit === null) return standard;
  if (!/^-?\d+$/.test(limit)) throw wrongType('limit', 'an integer');
  if (Number(limit) < 1) throw belowMinimum('limit', 1, limit);
  return Number(limit);
}
