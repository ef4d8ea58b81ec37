export type Members = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of what should be an object, whatever their names; none when it is not. */
export const membersOf = (value: unknown): Members => (isObject(value) ? value : {});

/** Those members that are neither left out nor null; what stands under `extra` takes its place among them. */
export function compact({ extra, ...known }: Members): Members {
  return { ...Object.fromEntries(Object.entries(known).filter(([, value]) => value != null)), ...membersOf(extra) };
}
