import { z } from 'zod';
import { isObject, type Members } from '../../upstream/json/members.ts';
import { validationError } from './validation-error.ts';

/** Parses a value at `path` of a request body; '' is the body itself. Throws the ApiError of the first issue. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, path = ''): T {
  const { data, error } = schema.safeParse(value, { reportInput: true });
  if (error) throw validationError(error.issues, path);
  return data;
}

/** Any JSON object, returned as it was sent. */
export const jsonObject = z.custom<Members>(isObject, { abort: true, params: { expected: 'an object' } });

export const anyList = z.array(z.unknown());

/** A string of `min` to `max` characters: code points, where `z.string().max()` counts UTF-16 units. */
export const characters = (min: number, max: number) =>
  z.string().check(({ value, issues }) => {
    const { length } = [...value];
    if (length < min) issues.push({ code: 'too_small', origin: 'string', minimum: min, input: value });
    if (length > max) issues.push({ code: 'too_big', origin: 'string', maximum: max, input: value });
  });

/** An integer from `min` to `max`. `z.int()` would report a limit of its own for large ones. */
export const integer = (min: number, max: number) =>
  z
    .number()
    .refine(Number.isInteger, { abort: true, params: { expected: 'an integer' } })
    .min(min)
    .max(max);

/** A JSON object of at most `max` members; counted before they are validated. */
export const objectOfAtMost = (max: number) =>
  jsonObject.check(({ value, issues }) => {
    if (Object.keys(value).length > max) issues.push({ code: 'too_big', origin: 'object', maximum: max, input: value });
  });

/** The members of an object but those with these names. */
export function membersExcept(object: object, names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
