export type Members = Readonly<Record<string, unknown>>;

/** Returns whether a JSON value is an object: neither a list nor null. */
export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the members of an object, or no members when the value is not an object. */
export const membersOf = (value: unknown): Members => (isObject(value) ? value : {});

/** Drops the members that are undefined or null, and merges the members of `extra` unchanged into the rest. */
export function compact({ extra, ...known }: Members): Members {
  return { ...Object.fromEntries(Object.entries(known).filter(([, value]) => value != null)), ...membersOf(extra) };
}
