import { ApiError } from './api-error.ts';

// The refusals of the validator that stands before most endpoints. One of them was recorded for metadata (docs/upstream.md
// 2.7); the others are in the same voice.

export const missing = (param: string) =>
  new ApiError(400, `Missing required parameter: '${param}'.`, param, 'missing_required_parameter');

export const unknownParameter = (param: string) =>
  new ApiError(400, `Unknown parameter: '${param}'.`, param, 'unknown_parameter');

/** `expected` has its article: "a string". */
export const invalidType = (param: string, expected: string, value: unknown) =>
  new ApiError(
    400,
    `Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`,
    param,
    'invalid_type',
  );

export function invalidValue(param: string, value: string, supported: readonly string[]): ApiError {
  const list = supported.map((text) => `'${text}'`).join(', ');
  return new ApiError(400, `Invalid value: '${value}'. Supported values are: ${list}.`, param, 'invalid_value');
}

export function invalidLength(param: string, length: number, [least, most]: readonly [number, number]): ApiError {
  const [way, word, limit] = length < least ? ['short', 'minimum', least] : ['long', 'maximum', most];
  return new ApiError(
    400,
    `Invalid '${param}': string too ${way}. Expected a string with ${word} length ${limit}, but got a string with length ${length} instead.`,
    param,
    `string_${way === 'short' ? 'below_min' : 'above_max'}_length`,
  );
}

export function outOfRange(param: string, value: number, [least, most]: readonly [number, number]): ApiError {
  const [side, word, sign, limit, code] =
    value < least ? ['below', 'minimum', '>=', least, 'below_min'] : ['above', 'maximum', '<=', most, 'above_max'];
  return new ApiError(
    400,
    `Invalid '${param}': integer ${side} ${word} value. Expected a value ${sign} ${limit}, but got ${value} instead.`,
    param,
    `integer_${code}_value`,
  );
}

export const tooManyProperties = (param: string, most: number, count: number) =>
  new ApiError(
    400,
    `Invalid '${param}': too many properties. Expected an object with at most ${most} properties, but got an object with ${count} properties instead.`,
    param,
    'object_above_max_properties',
  );

/** What a JSON value is, with its article. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
