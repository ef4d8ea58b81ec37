import { GraphQLError } from 'graphql';
import { isWithinDepth } from '../../upstream/json/depth.ts';
import { builder } from './builder.ts';
import { UploadedFile } from './upload-value.ts';

/** Makes the three coercions of a scalar out of one check: what it takes, it gives, and the other way round. */
function refusing<T>(name: string, expected: string, accepts: (value: unknown) => value is T) {
  const coerce = (code: 'BAD_USER_INPUT' | 'UPSTREAM_INVALID_RESPONSE') => (value: unknown) => {
    if (accepts(value)) return value;
    throw new GraphQLError(`${name}: expected ${expected}, got ${brief(value)}.`, { extensions: { code } });
  };
  return { serialize: coerce('UPSTREAM_INVALID_RESPONSE'), parseValue: coerce('BAD_USER_INPUT') };
}

function brief(value: unknown): string {
  if (!isWithinDepth(value)) return 'one that is nested too deep';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const isSafeInt = (value: unknown): value is number => Number.isSafeInteger(value);
const isFloat = (value: unknown): value is number => Number.isFinite(value);

builder.scalarType('UnixTimestamp', {
  description:
    'A point in time as whole seconds since 1970-01-01T00:00:00Z, a JSON integer as in the REST API. Unlike Int it is safe past 2038.',
  specifiedByURL: 'https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap04.html#tag_04_19',
  ...refusing('UnixTimestamp', 'a whole number of seconds since the epoch', isSafeInt),
});

builder.scalarType('SafeInt', {
  description: 'A whole number between -(2^53 - 1) and 2^53 - 1, a JSON integer: what every JSON reader keeps exactly.',
  specifiedByURL: 'https://tc39.es/ecma262/#sec-number.max_safe_integer',
  ...refusing('SafeInt', 'a whole number of at most 2^53 - 1', isSafeInt),
});

builder.scalarType('IntOrAuto', {
  description: 'A whole number, or the string "auto" where the upstream chooses.',
  specifiedByURL: 'https://platform.openai.com/docs/api-reference/fine-tuning/object',
  ...refusing(
    'IntOrAuto',
    'a whole number or "auto"',
    (value): value is number | 'auto' => value === 'auto' || isSafeInt(value),
  ),
});

builder.scalarType('FloatOrAuto', {
  description: 'A number, or the string "auto" where the upstream chooses.',
  specifiedByURL: 'https://platform.openai.com/docs/api-reference/fine-tuning/object',
  ...refusing(
    'FloatOrAuto',
    'a number or "auto"',
    (value): value is number | 'auto' => value === 'auto' || isFloat(value),
  ),
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  ...refusing('JSON', 'a JSON value', (value): value is unknown => value !== undefined && isWithinDepth(value)),
});

builder.scalarType('Date', {
  description: 'A day of the calendar, written YYYY-MM-DD.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339#section-5.6',
  ...refusing('Date', 'a day written YYYY-MM-DD', isDay),
});

builder.scalarType('Upload', {
  description:
    'A file that comes with the operation, in the form of a multipart request: the value of one variable, or of a member of one. It has no JSON; the variables have null in its place.',
  specifiedByURL: 'https://github.com/jaydenseric/graphql-multipart-request-spec',
  ...refusing(
    'Upload',
    'a file by a multipart request',
    (value): value is UploadedFile => value instanceof UploadedFile,
  ),
});

function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}
