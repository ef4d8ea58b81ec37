import { GraphQLError, GraphQLID } from 'graphql';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { builder } from './builder.ts';
import { UploadedFile } from './upload-value.ts';

/** Creates both coercions of a scalar from one check: a value passes unchanged or throws. */
function checkedCoercions<T>(name: string, expected: string, isValid: (value: unknown) => value is T) {
  const coerce = (code: 'BAD_USER_INPUT' | 'UPSTREAM_INVALID_RESPONSE') => (value: unknown) => {
    if (isValid(value)) return value;
    throw new GraphQLError(`${name} cannot represent ${quoted(value)}: expected ${expected}.`, {
      extensions: { code },
    });
  };
  return { serialize: coerce('UPSTREAM_INVALID_RESPONSE'), parseValue: coerce('BAD_USER_INPUT') };
}

const MAX_QUOTE_LENGTH = 60;

function quoted(value: unknown): string {
  if (!isWithinDepth(value)) return 'a value that is nested too deeply';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH)}…` : text;
}

const isSafeInt = (value: unknown): value is number => Number.isSafeInteger(value);
const isFloat = (value: unknown): value is number => Number.isFinite(value);

// JSON.parse rounds a number above 2^53 in variables, so that it would be the id of another object. Pothos has no option for
// another ID than that of graphql-js. Literals of a document are exact: graphql-js reads their text.
const coerceId = GraphQLID.coerceInputValue;
GraphQLID.coerceInputValue = (value) => {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return coerceId(value);
  const problem = `ID cannot represent ${value}: the number is not exact in JSON`;
  throw new GraphQLError(`${problem}; expected the id as a string, such as "9007199254740993".`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
};
GraphQLID.parseValue = GraphQLID.coerceInputValue;

builder.scalarType('UnixTimestamp', {
  description:
    'A point in time: whole seconds (not milliseconds) since 1970-01-01T00:00:00Z, as in the REST API. For example 1767225600 for 2026-01-01T00:00:00Z. A JSON integer; unlike Int it can represent times after 2038.',
  specifiedByURL: 'https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap04.html#tag_04_19',
  ...checkedCoercions('UnixTimestamp', 'seconds since 1970 as an integer, such as 1767225600', isSafeInt),
});

builder.scalarType('SafeInt', {
  description:
    'An integer from -(2^53 - 1) to 2^53 - 1, such as 5000000000. A JSON integer in the range that JavaScript reads without loss.',
  specifiedByURL: 'https://tc39.es/ecma262/#sec-number.max_safe_integer',
  ...checkedCoercions('SafeInt', 'an integer from -(2^53 - 1) to 2^53 - 1, such as 5000000000', isSafeInt),
});

builder.scalarType('IntOrAuto', {
  description: 'An integer such as 3, or the string "auto" to let the upstream choose.',
  specifiedByURL: 'https://platform.openai.com/docs/api-reference/fine-tuning/object',
  ...checkedCoercions(
    'IntOrAuto',
    'an integer such as 3, or "auto"',
    (value): value is number | 'auto' => value === 'auto' || isSafeInt(value),
  ),
});

builder.scalarType('FloatOrAuto', {
  description: 'A number such as 0.1, or the string "auto" to let the upstream choose.',
  specifiedByURL: 'https://platform.openai.com/docs/api-reference/fine-tuning/object',
  ...checkedCoercions(
    'FloatOrAuto',
    'a number such as 0.1, or "auto"',
    (value): value is number | 'auto' => value === 'auto' || isFloat(value),
  ),
});

builder.scalarType('JSON', {
  description:
    'Any JSON value: an object, a list, a string, a number, a boolean or null, such as `{"answer": "Paris"}`. Objects and lists have at most 100 levels.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  ...checkedCoercions(
    'JSON',
    'a JSON value with fewer levels',
    (value): value is unknown => value !== undefined && isWithinDepth(value),
  ),
});

builder.scalarType('Date', {
  description: 'A calendar date as YYYY-MM-DD, such as "2026-10-23".',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6',
  ...checkedCoercions('Date', 'a calendar date as YYYY-MM-DD, such as "2026-10-23"', isCalendarDate),
});

builder.scalarType('Upload', {
  description:
    'A file in a GraphQL multipart request. Pass it as a variable, or as a field of a variable, such as `input.file`. The JSON of the `variables` has null at that place, and `map` names the part with the file.',
  specifiedByURL: 'https://github.com/jaydenseric/graphql-multipart-request-spec',
  ...checkedCoercions(
    'Upload',
    'a file that is sent in a multipart request',
    (value): value is UploadedFile => value instanceof UploadedFile,
  ),
});

function isCalendarDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}
