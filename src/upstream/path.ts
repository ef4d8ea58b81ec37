const LONGEST_SEGMENT = 512;

/** A path below the API's base, each of its segments encoded. Only the tag `path` makes one. */
export type Path = string & { readonly brand: unique symbol };

/**
 * Builds a path from a template: every value becomes exactly one encoded segment. Null when a value cannot be the name
 * of anything: empty, over 512 characters, with a control character or half a surrogate pair, or with a dot segment
 * that some server on the way might resolve, however often it decodes.
 */
export function path(strings: TemplateStringsArray, ...values: string[]): Path | null {
  if (!values.every(isName)) return null;
  return String.raw({ raw: strings }, ...values.map(encodeURIComponent)) as Path; // The one place that makes the brand.
}

function isName(value: string): boolean {
  const isText = value !== '' && value.length <= LONGEST_SEGMENT && value.isWellFormed() && !/\p{Cc}/u.test(value);
  return isText && !hasDotSegment(value);
}

function hasDotSegment(value: string): boolean {
  if (value.split(/[/\\]/).some((part) => part === '.' || part === '..')) return true;
  const decoded = value.replace(/%(?:25|2e|2f|5c)/gi, decodeURIComponent);
  return decoded !== value && hasDotSegment(decoded);
}
