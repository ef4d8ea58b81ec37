import { z } from 'zod';
import { isValidName } from '../http/path.ts';
import { isObject, type Members } from '../json/members.ts';
import { readInteger, readNumber } from '../json/number.ts';
import { readDate, readTime } from '../json/time.ts';
import { withReader } from './object-reader.ts';

// Lenient schemas for the deviations of real servers from the API specification (docs/upstream.md: Objects, Other servers).
// An invalid member becomes null. Beside a schema of zod stands the function that reads most values without it.

const nullIfAbsent = (value: unknown) => (value == null ? null : undefined);

/** Parses an absent member as null. */
export const orNull = <T extends z.ZodType>(schema: T) => withReader(schema.nullable().default(null), nullIfAbsent);

/** Parses an absent or invalid member as null, so that it does not fail the whole object. */
export const nullIfInvalid = <T extends z.ZodType>(schema: T) => withReader(orNull(schema).catch(null), nullIfAbsent);

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** A text, which can be empty. */
export const text = withReader(z.string(), (value) => (typeof value === 'string' ? value : undefined));

/** The same, or an empty text for an absent or invalid member. */
export const textOrEmpty = withReader(z.string().catch(''), (value) => (typeof value === 'string' ? value : ''));

/** A text that is not empty. */
export const nonEmptyText = withReader(z.string().min(1), (value) => (isText(value) ? value : undefined));

/** A text or an id. Some servers send an empty text where they have nothing: it becomes null. */
export const textOrNull = withReader(nullIfInvalid(z.string().min(1)), (value) => (isText(value) ? value : null));

/** Any JSON, or null for an absent member. */
export const jsonOrNull = withReader(z.unknown().optional().transform(orNullValue), orNullValue);

function orNullValue(value: unknown): unknown {
  return value ?? null;
}

/** An object with any members, or null. */
export const objectOrNull = withReader(nullIfInvalid(z.custom<Members>(isObject)), (value) =>
  isObject(value) ? value : null,
);

/** Maximum texts of a list: each id of a file can cost a call. */
const MAX_TEXTS = 100;

/**
 * The first 100 texts or ids of a list, without nulls, empty texts and repeated ones. A list that is absent or invalid is
 * empty.
 */
export const textList = withReader(
  z.custom<readonly (string | null)[] | null>().optional().transform(readTexts),
  readTexts,
);

function readTexts(list: unknown): string[] {
  if (!Array.isArray(list) || list.length === 0) return [];
  const texts = new Set<string>();
  for (const text of list) {
    if (typeof text === 'string' && text !== '') texts.add(text);
    if (texts.size === MAX_TEXTS) break;
  }
  return [...texts];
}

/** A list, of which only the first `max` items are parsed. */
export const firstItems = <T extends z.ZodType>(item: T, max: number) =>
  z.preprocess((list) => (Array.isArray(list) && list.length > max ? list.slice(0, max) : list), z.array(item));

/** An id that can be part of a path. */
export const identifier = withReader(z.string().refine(isValidName, 'is not a valid id'), (value) =>
  typeof value === 'string' && (USUAL_ID.test(value) || isValidName(value)) ? value : undefined,
);

/** The ids of the API, and of most servers. All of them are valid. */
const USUAL_ID = /^[A-Za-z\d_-]{1,512}$/;

// Numbers and times, which servers write in several forms (docs/upstream.md: Times and numbers). The input types are those of
// the API specification. `read` returns null for an invalid value.

// A check that sets the value takes a third less time than `.transform()`, which allocates for each value.

const readBy = <T>(read: (value: unknown) => T | null, problem: string) => {
  const schema = z.custom<T>().check((payload) => {
    const result = read(payload.value);
    if (result === null) payload.issues.push({ code: 'custom', message: problem, input: payload.value });
    else payload.value = result;
  });
  return withReader(schema, (value) => (read(value) ?? undefined) as z.output<typeof schema> | undefined);
};

const readOrNullBy = <T>(read: (value: unknown) => T | null) => {
  const schema = orNull(z.custom<T>()).check((payload) => {
    payload.value = read(payload.value) as typeof payload.value; // `T` has no undefined.
  });
  return withReader(schema, read as (value: unknown) => z.output<typeof schema>);
};

/** Seconds since the epoch. Truncates fractions. */
export const timestamp = readBy(readTime, 'is not a time; expected seconds since the epoch, such as 1760000000');

/** The same, or null for null, an absent member, 0 and an invalid value. */
export const timestampOrNull = readOrNullBy((value) => readTime(value) || null);

/** The UTC date of a time as YYYY-MM-DD, or null for null, an absent member, 0 and an invalid value. */
export const dateOrNull = readOrNullBy(readDate);

/** A finite number. */
export const number = readBy(readNumber, 'is not a number; expected one such as 1.5');
export const numberOrNull = readOrNullBy(readNumber);

/** An integer from -(2^53 - 1) to 2^53 - 1, or null for null, an absent member and an invalid value. */
export const integerOrNull = readOrNullBy(readInteger);

/** The same within the 32 bits of GraphQL's Int. */
export const int32OrNull = readOrNullBy((value) => int32Of(readInteger(value)));

/** A step within the 32 bits of GraphQL's Int. Truncates the fractions that some servers send. */
export const stepNumber = readBy(readStep, 'is not a step; expected an integer such as 120');

/** The same, or null for null, an absent member, an invalid value, and for 0 and less, which mean none. */
export const positiveStepOrNull = readOrNullBy((value) => {
  const step = readStep(value);
  return step !== null && step > 0 ? step : null;
});

/** A hyperparameter, or null for null, an absent member and an invalid value. Azure writes "auto" as -1. */
const orAuto = (read: (value: unknown) => number | null) =>
  readOrNullBy<number | 'auto'>((value) => {
    const result = value === 'auto' ? value : read(value);
    return result === -1 ? 'auto' : result;
  });
export const intOrAuto = orAuto(readInteger);
export const floatOrAuto = orAuto(readNumber);

function readStep(value: unknown): number | null {
  const step = readNumber(value);
  return step === null ? null : int32Of(Math.trunc(step));
}

const int32Of = (value: number | null) => (value === (Number(value) | 0) ? value : null);

/** Throws unless the object has the requested id: a broken proxy can send the response to another request. */
export function requireId<T extends { id: string }>(id: string, object: T): T {
  if (object.id !== id) throw new Error('id: differs from the requested id');
  return object;
}
