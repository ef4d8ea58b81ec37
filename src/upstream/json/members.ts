export type Members = Readonly<Record<string, unknown>>;

/** Returns whether a JSON value is an object: neither a list nor null. */
export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the members of an object, or no members when the value is not an object. */
export const membersOf = (value: unknown): Members => (isObject(value) ? value : {});

/** Returns the first members of an object: the same object when it has at most `max`. */
export function firstMembers(object: Members, max: number): Members {
  const names = Object.keys(object);
  return names.length <= max ? object : Object.fromEntries(names.slice(0, max).map((name) => [name, object[name]]));
}

/** Drops the members that are undefined or null, and merges the members of `extra` unchanged into the rest. */
export function compact({ extra, ...known }: Members): Members {
  return { ...Object.fromEntries(Object.entries(known).filter(([, value]) => value != null)), ...membersOf(extra) };
}
