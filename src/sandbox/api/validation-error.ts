import type { z } from 'zod';
import { ApiError } from './api-error.ts';

// The errors of the validator in front of most endpoints. One of them is recorded, for metadata (docs/upstream.md:
// Errors); the others follow its form.

/**
 * The error map: the error for the first issue that a schema reports. `path` is the position of the value in the
 * request. An unknown parameter is reported before any other issue.
 */
export function validationError(issues: readonly z.core.$ZodIssue[], path: string): ApiError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) throw new TypeError('A failed validation has no issue.');
  const param = paramOf(issue.path, path);
  switch (issue.code) {
    case 'invalid_type':
      return invalidType(param, WITH_ARTICLE[issue.expected] ?? issue.expected, issue.input);
    case 'invalid_value':
      return invalidValue(param, issue.input, issue.values);
    case 'invalid_union': // No option of a discriminated union: `input` is the object around the value.
      if (!('options' in issue)) break;
      return invalidValue(param, Object(issue.input)[String(issue.path.at(-1))], issue.options ?? []);
    case 'invalid_key':
      return validationError(issue.issues, param);
    case 'unrecognized_keys':
      return unknownParameter(paramOf([...issue.path, ...issue.keys.slice(0, 1)], path));
    case 'too_small':
      return outOfRange(issue, param, Number(issue.minimum));
    case 'too_big':
      return outOfRange(issue, param, Number(issue.maximum));
    case 'custom':
      return invalidType(param, String(issue.params?.['expected']), issue.input);
  }
  throw new TypeError(`No error of the REST API stands for the issue ${issue.code}.`);
}

/** The types that schemas expect. Numbers are expected to be integers throughout. */
const WITH_ARTICLE: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'an integer',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

/** `integrations[0].wandb.project`; the body itself is `body`. */
function paramOf(path: readonly PropertyKey[], root: string): string {
  if (path.length === 0) return root || 'body';
  return path.reduce<string>((param, key) => {
    if (typeof key === 'number') return `${param}[${key}]`;
    return param === '' ? String(key) : `${param}.${String(key)}`;
  }, root);
}

export const missing = (param: string) =>
  new ApiError(400, `Missing required parameter: '${param}'.`, param, 'missing_required_parameter');

const unknownParameter = (param: string) =>
  new ApiError(400, `Unknown parameter: '${param}'.`, param, 'unknown_parameter');

/** `expected` has its article: "a string". */
export function invalidType(param: string, expected: string, value: unknown): ApiError {
  if (value === undefined) return missing(param);
  return new ApiError(
    400,
    `Invalid type for '${param}': expected ${expected}, but got ${typeWithArticle(value)} instead.`,
    param,
    'invalid_type',
  );
}

function typeWithArticle(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function invalidValue(param: string, value: unknown, supported: readonly unknown[]): ApiError {
  if (typeof value !== 'string') return invalidType(param, 'a string', value);
  const list = supported.map((text) => `'${text}'`).join(', ');
  return new ApiError(400, `Invalid value: '${value}'. Supported values are: ${list}.`, param, 'invalid_value');
}

/** The words for a value below a minimum or above a maximum. */
const WORDS = {
  too_small: { side: 'below', length: 'short', limit: 'minimum', sign: '>=', code: 'below_min' },
  too_big: { side: 'above', length: 'long', limit: 'maximum', sign: '<=', code: 'above_max' },
} as const;
type Side = keyof typeof WORDS;

function outOfRange(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, param: string, limit: number): ApiError {
  const { origin, input, code } = issue;
  if (origin === 'string') return invalidLength(param, [...String(input)].length, code, limit);
  if (origin === 'object') return tooManyProperties(param, Object.keys(Object(input)).length, limit);
  return integerOutOfRange(param, String(input), code, limit);
}

function invalidLength(param: string, length: number, side: Side, limit: number): ApiError {
  const words = WORDS[side];
  return new ApiError(
    400,
    `Invalid '${param}': string too ${words.length}. Expected a string with ${words.limit} length ${limit}, but got a string with length ${length} instead.`,
    param,
    `string_${words.code}_length`,
  );
}

export function integerOutOfRange(param: string, value: string, side: Side, limit: number): ApiError {
  const words = WORDS[side];
  return new ApiError(
    400,
    `Invalid '${param}': integer ${words.side} ${words.limit} value. Expected a value ${words.sign} ${limit}, but got ${value} instead.`,
    param,
    `integer_${words.code}_value`,
  );
}

const tooManyProperties = (param: string, count: number, limit: number) =>
  new ApiError(
    400,
    `Invalid '${param}': too many properties. Expected an object with at most ${limit} properties, but got an object with ${count} properties instead.`,
    param,
    'object_above_max_properties',
  );
