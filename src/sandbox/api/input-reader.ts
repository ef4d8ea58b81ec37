import { isObject } from '../../upstream/json/members.ts';
import { invalidLength, invalidType, invalidValue, missing, outOfRange, unknownParameter } from './validation-error.ts';

// Reads members of a JSON body. Each throws a Refusal that names the member by its path.

export type Input = Readonly<Record<string, unknown>>;

export function readObject(value: unknown, param: string): Input {
  if (value === undefined) throw missing(param);
  if (!isObject(value)) throw invalidType(param, 'an object', value);
  return value;
}

export function readList(value: unknown, param: string): readonly unknown[] {
  if (value === undefined) throw missing(param);
  if (!Array.isArray(value)) throw invalidType(param, 'an array', value);
  return value;
}

export function readText(value: unknown, param: string, lengths: readonly [number, number] = ANY_LENGTH): string {
  if (value === undefined) throw missing(param);
  if (typeof value !== 'string') throw invalidType(param, 'a string', value);
  const { length } = lengths === ANY_LENGTH ? value : [...value]; // In characters, not in halves of surrogate pairs.
  if (length < lengths[0] || length > lengths[1]) throw invalidLength(param, length, lengths);
  return value;
}

const ANY_LENGTH = [0, Number.POSITIVE_INFINITY] as const;

export function readWhole(value: unknown, param: string, range: readonly [number, number]): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalidType(param, 'an integer', value);
  if (value < range[0] || value > range[1]) throw outOfRange(param, value, range);
  return value;
}

export function readChoice<T extends string>(value: unknown, param: string, choices: readonly T[]): T {
  const text = readText(value, param);
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw invalidValue(param, text, choices);
  return choice;
}

/** What `read` makes of a value; null when it is null or absent. */
export function orNull<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : read(value);
}

/** Refuses any member but these. `path` is that of the object. */
export function refuseOthers(input: Input, known: readonly string[], path = ''): void {
  const other = Object.keys(input).find((name) => !known.includes(name));
  if (other !== undefined) throw unknownParameter(path + other);
}

/** The members that nobody has named. */
export function withoutKnown(input: Input, known: readonly string[]): Input {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !known.includes(name)));
}
