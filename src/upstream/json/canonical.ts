import { isObject } from './members.ts';

/** Serializes a value as JSON with the members of each object sorted by name: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => (isObject(member) ? sortMembers(member) : member));
}

const sortMembers = (object: object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
