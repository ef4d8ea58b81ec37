/** Describes a JSON value of the wrong type for a message: `is missing`, `is null`, `is a number`. */
export function typeProblem(value: unknown): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is null';
  if (Array.isArray(value)) return 'is a list';
  return typeof value === 'object' ? 'is an object' : `is a ${typeof value}`;
}

/** The same where a string or list with content is expected: `is empty` for one without. */
export function contentProblem(value: unknown): string {
  const isEmpty = value === '' || (Array.isArray(value) && value.length === 0);
  return isEmpty ? 'is empty' : typeProblem(value);
}
