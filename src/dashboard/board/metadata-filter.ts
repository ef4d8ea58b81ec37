import type { BoardJobFragment } from '../operations/generated.ts';

/** A key, or a key with the beginning of its value. */
interface Term {
  readonly key: string;
  /** Null without `=`: then `key` is the beginning of a key. */
  readonly value: string | null;
}

type Pair = BoardJobFragment['metadata'][number];
type WithMetadata = Pick<BoardJobFragment, 'metadata'>;

const MAX_SUGGESTIONS = 200;
const MAX_NAMED = 8;

/** The terms of a filter such as `team=support, stage`. A job has to match all of them, in any case of letters. */
export function readTerms(filter: string): readonly Term[] {
  return filter.split(',').flatMap((part) => {
    const [key = '', value] = part.split(/=(.*)/s).map((text) => text.trim().toLowerCase());
    return key === '' ? [] : [{ key, value: value ?? null }];
  });
}

export const hasMetadata = ({ metadata }: WithMetadata, terms: readonly Term[]): boolean =>
  terms.every((term) => metadata.some((pair) => isMatch(pair, term)));

function isMatch(pair: Pair, { key, value }: Term): boolean {
  const pairKey = pair.key.toLowerCase();
  if (value === null) return pairKey.startsWith(key);
  return pairKey === key && pair.value.toLowerCase().startsWith(value);
}

/** Keys and pairs of the jobs as values of the filter, whose last term they replace. */
export function suggestMetadata(jobs: readonly WithMetadata[], filter: string): readonly string[] {
  const before = filter.slice(0, filter.lastIndexOf(',') + 1);
  const texts = jobs.flatMap(({ metadata }) => metadata.flatMap(({ key, value }) => [key, `${key}=${value}`]));
  /** A comma would begin another term: the beginning of the value selects it too. */
  const terms = new Set(texts.map((text) => text.split(',')[0] ?? ''));
  return [...terms]
    .filter((term) => term.trim() !== '')
    .sort()
    .slice(0, MAX_SUGGESTIONS)
    .map((term) => (before === '' ? term : `${before} ${term}`));
}

/** Why a filter matches none of these jobs, with the keys or values that they have; empty when each term matches one. */
export function explainNoMatch(jobs: readonly WithMetadata[], filter: string): string {
  const term = readTerms(filter).find((candidate) => !jobs.some((job) => hasMetadata(job, [candidate])));
  if (term === undefined) return '';
  const pairs = jobs.flatMap(({ metadata }) => metadata);
  const values = pairs.filter(({ key }) => key.toLowerCase() === term.key).map(({ value }) => value);
  if (term.value !== null && values.length > 0) {
    return `No job has a value of “${term.key}” that begins with “${term.value}”. Values: ${named(values)}.`;
  }
  const keys = pairs.map(({ key }) => key);
  return `No job has the metadata key “${term.key}”. ${keys.length === 0 ? 'No job has metadata.' : `Keys: ${named(keys)}.`}`;
}

function named(texts: readonly string[]): string {
  const all = [...new Set(texts)].sort();
  const more = all.length - MAX_NAMED;
  return `${all.slice(0, MAX_NAMED).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
}
