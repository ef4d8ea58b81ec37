import type { BoardJobFragment } from '../operations/generated.ts';

type Listed = Pick<BoardJobFragment, 'id' | 'createdAt'>;

/**
 * The ids of known jobs that the upstream does not list any more. `listed` are its newest jobs, or all of them; null for one
 * in an invalid form. Older jobs than these are not missing.
 */
export function missingIds(known: Iterable<Listed>, listed: readonly (Listed | null)[], isWhole: boolean): string[] {
  const valid = listed.filter((job) => job !== null);
  const isNewestFirst = valid.every((job, index) => index === 0 || job.createdAt <= (valid[index - 1]?.createdAt ?? 0));
  if (valid.length < listed.length || !(isWhole || isNewestFirst)) return [];
  const ids = new Set(valid.map(({ id }) => id));
  const oldest = valid.at(-1)?.createdAt ?? Number.POSITIVE_INFINITY;
  return [...known].filter(({ id, createdAt }) => !ids.has(id) && (isWhole || createdAt > oldest)).map(({ id }) => id);
}
