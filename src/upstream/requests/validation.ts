import { z } from 'zod';
import { isValidName } from '../http/path.ts';
import { isWithinDepth } from '../json/depth.ts';

// How requests are checked before they are sent: in wire spelling, with all that is wrong at once.

/** One thing that is wrong with a request, and where: members and places in lists, in wire spelling. */
export interface Issue {
  readonly path: readonly (string | number)[];
  /** What was expected there. */
  readonly message: string;
}

/** All that a schema finds wrong with a value. */
export function findIssues(schema: z.ZodType, value: unknown, at: Issue['path'] = []): Issue[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => ({ path: [...at, ...path.map(asPlace)], message }));
}

const asPlace = (place: PropertyKey) => (typeof place === 'number' ? place : String(place));

/**
 * Whose limits hold: OpenAI's (docs/upstream.md: Creating a job), which its sandbox shares, or none that we know. Shapes hold everywhere.
 */
export type RequestRules = 'openai' | 'unknown';

/** A value that passes a test, which says what it expects: one issue, whatever is wrong with it. */
const check = (expected: string, isRight: (value: unknown) => boolean) =>
  z.unknown().refine(isRight, `expected ${expected}`);

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => Number.isFinite(value);
/** As servers count: a character outside of the basic plane is one. */
const lengthOf = (text: string) => [...text].length;

export const text = (expected = 'a text') => check(expected, (value) => typeof value === 'string');
export const nonEmptyText = (expected = 'a text that is not empty') =>
  check(expected, (value) => typeof value === 'string' && value !== '');
/** The id or the name of a thing; what can name nothing is wrong whatever there is. */
export const nameText = () =>
  check('what can be the name of something', (value) => typeof value === 'string' && isValidName(value));
export const oneOf = (...names: readonly string[]) =>
  check(names.length === 1 ? String(names[0]) : `one of ${names.join(', ')}`, (value) =>
    names.some((name) => name === value),
  );

export const textOfLength = (least: number, most: number) =>
  check(
    `a text of ${least === 0 ? 'at most' : `${least} to`} ${most} characters`,
    (value) => typeof value === 'string' && lengthOf(value) >= least && lengthOf(value) <= most,
  );

export const integer = (least?: number, most?: number) => {
  const expected = `a whole number${range(least, most)}`;
  return check(expected, (value) => isWhole(value) && isWithin(value, least, most));
};
export const integerOrAuto = (least?: number, most?: number) => {
  const expected = `auto or a whole number${range(least, most)}`;
  return check(expected, (value) => value === 'auto' || (isWhole(value) && isWithin(value, least, most)));
};
/** The lower bound is not itself within. */
export const numberOrAuto = (above?: number, most?: number) => {
  const bounds = [above === undefined ? '' : ` above ${above}`, most === undefined ? '' : `at most ${most}`];
  const expected = `auto or a number${bounds.filter(Boolean).join(' and ')}`;
  return check(
    expected,
    (value) => value === 'auto' || (isNumber(value) && value !== above && isWithin(value, above, most)),
  );
};

const isWithin = (value: number, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY) =>
  value >= least && value <= most;

function range(least: number | undefined, most: number | undefined): string {
  if (least === undefined) return '';
  return most === undefined ? ` of at least ${least}` : ` from ${least} to ${most}`;
}

/** A member that can be left out; null is the same. */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish();

/** What is nested too deep to be written is wrong as a whole. */
export function findDepthIssues(value: unknown, at: Issue['path'] = []): Issue[] {
  return isWithinDepth(value) ? [] : [{ path: at, message: 'expected JSON that is not nested so deep' }];
}

/** Members that we do not know, given beside those that we do: what is wrong with them. */
export function findExtraIssues(extra: unknown, known: readonly string[], at: Issue['path']): Issue[] {
  if (extra == null) return [];
  if (typeof extra !== 'object' || Array.isArray(extra)) return [{ path: at, message: 'expected an object' }];
  if (!isWithinDepth(extra)) return findDepthIssues(extra, at);
  return known
    .filter((name) => Object.hasOwn(extra, name))
    .map((name) => ({
      path: [...at, name],
      message: `expected ${name} in its own place, not among the extra members`,
    }));
}
