import { z } from 'zod';
import { isValidName } from '../http/path.ts';

// Lenient schemas for the deviations of real servers from the API specification (docs/upstream.md: Objects, Other servers).
// An invalid member becomes null.

// `.nullable().default(null)` takes a quarter of the time of `.nullish()` with a transform. A page of jobs has a thousand
// such members.

/** Parses an absent member as null. */
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** Parses an absent or invalid member as null, so that it does not fail the whole object. */
export const nullIfInvalid = <T extends z.ZodType>(schema: T) => orNull(schema).catch(null);

/** A text or an id. Some servers send an empty text where they have nothing: it becomes null. */
export const textOrNull = nullIfInvalid(z.string().min(1));

/** A list of texts or ids. Drops nulls, empty texts and repeated ones. A list that is absent or invalid is empty. */
export const textList = z
  .array(z.string().catch(''))
  .nullish()
  .transform((texts) => [...new Set(texts)].filter((text) => text !== ''))
  .catch([]);

/** An id that can be part of a path. */
export const identifier = z.string().refine(isValidName, 'is not a valid id');

// A larger number would lose precision.
const seconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

/** Seconds since the epoch, up to 2^53 - 1. Truncates the fractions that some servers send. */
export const timestamp = seconds.transform(Math.trunc);

/** The same, or null for null, an absent member, 0 and an invalid value. */
export const timestampOrNull = seconds
  .nullish()
  .transform((time) => (time ? Math.trunc(time) || null : null))
  .catch(null);

/** A step within the 32 bits of GraphQL's Int. Truncates the fractions that some servers send. */
export const stepNumber = z.number().transform(Math.trunc).pipe(z.int32());

// Azure writes "auto" as -1.
const autoIfMinusOne = <T>(value: T) => (value === -1 ? ('auto' as const) : value);

export const intOrAuto = nullIfInvalid(z.union([z.int(), z.literal('auto')]).transform(autoIfMinusOne));
export const floatOrAuto = nullIfInvalid(z.union([z.number(), z.literal('auto')]).transform(autoIfMinusOne));

/** Throws unless the object has the requested id: a broken proxy can send the response to another request. */
export function requireId<T extends { id: string }>(id: string, object: T): T {
  if (object.id !== id) throw new Error('id: differs from the requested id');
  return object;
}
