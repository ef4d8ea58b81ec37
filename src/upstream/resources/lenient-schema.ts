import { z } from 'zod';
import { isValidName } from '../http/path.ts';

// The shapes in which real servers of the dialect deviate from its document, each repaired in one place (docs/upstream.md: Objects, Other servers).

// `.nullable().default(null)`, as it takes a quarter of the time of `.nullish()` with a transform, and a page of jobs has
// a thousand such members.

/** Absent and null are the same to us: null. */
export const orNull = <T extends z.ZodType>(schema: T) => schema.nullable().default(null);

/** Like `orNull`, and what cannot be read at all is null too: for decorations that must not cost us the whole object. */
export const nullIfInvalid = <T extends z.ZodType>(schema: T) => orNull(schema).catch(null);

/** The id of a thing: what could not be asked for by it is none. */
export const identifier = z.string().refine(isValidName, 'expected what can be a name');

// Beyond these numbers it would be another one than the upstream has written.
const seconds = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

/** Whole seconds since the epoch, up to 2^53 - 1; some servers send fractions. */
export const timestamp = seconds.transform(Math.trunc);

/** As `timestamp`; null, absent, 0 and what is no time all mean that there is none. */
export const timestampOrNull = seconds
  .nullish()
  .transform((at) => (at ? Math.trunc(at) || null : null))
  .catch(null);

/** A step, within the 32 bits that GraphQL's Int can carry; some servers send fractions. */
export const stepNumber = z.number().transform(Math.trunc).pipe(z.int32());

// Azure writes "auto" as -1.
const autoIfMinusOne = <T>(value: T) => (value === -1 ? ('auto' as const) : value);

export const intOrAuto = nullIfInvalid(z.union([z.int(), z.literal('auto')]).transform(autoIfMinusOne));
export const floatOrAuto = nullIfInvalid(z.union([z.number(), z.literal('auto')]).transform(autoIfMinusOne));

/** An answer to another question, as a broken proxy gives it, is no answer to this one: throws unless it has this id. */
export function requireId<T extends { id: string }>(id: string, thing: T): T {
  if (thing.id !== id) throw new Error('id: another than asked for');
  return thing;
}
