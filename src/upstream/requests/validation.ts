import { z } from 'zod';
import { isValidName, nameProblem } from '../http/path.ts';
import { isWithinDepth, MAX_DEPTH } from '../json/depth.ts';
import { isObject } from '../json/members.ts';
import { typeProblem } from '../json/problem.ts';

// Schemas that validate requests in wire spelling before they are sent, and report all issues at once. Every message has
// the form `<what is wrong>; expected <what>`, such as `is empty; expected the id of an uploaded file, such as file-abc123`.

/** One issue of a request, at a path of member names and list indexes in wire spelling. */
export interface Issue {
  readonly path: readonly (string | number)[];
  /** The problem and the expected value. */
  readonly message: string;
}

/** Returns all issues that a schema finds in a value. */
export function findIssues(schema: z.ZodType, value: unknown, path: Issue['path'] = []): Issue[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map((issue) => ({
    path: [...path, ...issue.path.map(toPathSegment)],
    message: issue.message,
  }));
}

const toPathSegment = (key: PropertyKey) => (typeof key === 'number' ? key : String(key));

/**
 * The limits of a server: those of OpenAI (docs/upstream.md: Creating a job), which its sandbox shares, or unknown ones.
 * Types are validated in both cases.
 */
export type RequestRules = 'openai' | 'unknown';

const MAX_QUOTE_LENGTH = 40;

/** Describes an invalid value: `is empty`, `is missing`, `is 300`, `is "sft"`. */
export function problemOf(value: unknown): string {
  if (value === '') return 'is empty';
  if (typeof value === 'string') return `is ${JSON.stringify(value.slice(0, MAX_QUOTE_LENGTH))}`;
  return typeof value === 'number' ? `is ${value}` : typeProblem(value);
}

/** The error option of a zod schema: describes the value, then what was expected. */
export const expected = (what: string, problem = problemOf) => ({
  error: ({ input }: { input?: unknown }) => `${problem(input)}; expected ${what}`,
});

/** Accepts a value that passes a test. Creates one issue for any other value. */
const check = (what: string, isValid: (value: unknown) => boolean, problem = problemOf) =>
  z.unknown().refine(isValid, expected(what, problem));

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isNumber = (value: unknown): value is number => Number.isFinite(value);
/** Code points, as servers count characters. */
const lengthOf = (text: string) => [...text].length;

export const text = () => check('a string', (value) => typeof value === 'string');
export const nonEmptyText = () => check('a non-empty string', (value) => typeof value === 'string' && value !== '');

/** The id or the name of an object. */
const objectName = (what: string) =>
  check(
    what,
    (value) => typeof value === 'string' && isValidName(value),
    (value) => (typeof value === 'string' ? nameProblem(value) : typeProblem(value)),
  );
export const fileId = () => objectName('the id of an uploaded file, such as file-abc123');
export const modelName = () => objectName('the name of a model, such as gpt-4.1-mini');

export const oneOf = (...names: readonly string[]) =>
  check(names.length === 1 ? String(names[0]) : `one of ${names.join(', ')}`, (value) =>
    names.some((name) => name === value),
  );

export const textOfLength = (min: number, max: number) =>
  check(
    min === 0 ? `a string of at most ${max} characters` : `a string of ${min} to ${max} characters`,
    (value) => typeof value === 'string' && lengthOf(value) >= min && lengthOf(value) <= max,
    (value) => (typeof value === 'string' && value !== '' ? `has ${lengthOf(value)} characters` : problemOf(value)),
  );

export const integer = (min?: number, max?: number) =>
  check(`an integer${range(min, max)}`, (value) => isInteger(value) && isWithin(value, min, max));

export const integerOrAuto = (min?: number, max?: number) =>
  check(
    `auto or an integer${range(min, max)}`,
    (value) => value === 'auto' || (isInteger(value) && isWithin(value, min, max)),
  );

/** The lower bound is exclusive. */
export const numberOrAuto = (above?: number, max?: number) => {
  const bounds = [above === undefined ? '' : ` above ${above}`, max === undefined ? '' : `at most ${max}`];
  return check(
    `auto or a number${bounds.filter(Boolean).join(' and ')}`,
    (value) => value === 'auto' || (isNumber(value) && value !== above && isWithin(value, above, max)),
  );
};

const isWithin = (value: number, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY) =>
  value >= min && value <= max;

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return '';
  return max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

/** Accepts an absent member; null counts as absent. */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish();

/** Returns an issue for a value that is nested too deep to be serialized. */
export function findDepthIssues(value: unknown, path: Issue['path'] = []): Issue[] {
  if (isWithinDepth(value)) return [];
  return [{ path, message: `is nested too deep; expected at most ${MAX_DEPTH} levels of objects and lists` }];
}

/** Returns the issues of extra members, which may not repeat `known` members. */
export function findExtraIssues(extra: unknown, known: readonly string[], path: Issue['path']): Issue[] {
  if (extra == null) return [];
  if (!isObject(extra)) return [{ path, message: `${problemOf(extra)}; expected an object` }];
  if (!isWithinDepth(extra)) return findDepthIssues(extra, path);
  return known
    .filter((name) => Object.hasOwn(extra, name))
    .map((name) => ({
      path: [...path, name],
      message: 'is not an extra member; expected it in its own field of the input',
    }));
}
