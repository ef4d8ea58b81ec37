const MAX_NAME_LENGTH = 512;

/** A path below the API's base, each of its segments encoded. Only the tag `path` makes one. */
export type Path = string & { readonly brand: unique symbol };

/** Builds a path from a template: every value becomes exactly one encoded segment. Null when one can name nothing. */
export function path(strings: TemplateStringsArray, ...values: string[]): Path | null {
  if (!values.every(isValidName)) return null;
  return String.raw({ raw: strings }, ...values.map(encodeURIComponent)) as Path; // The one place that makes the brand.
}

/**
 * Whether a text can be the name of anything. Not so: nothing, over 512 characters, control characters, half a surrogate
 * pair, a percent sign (what is encoded already might be decoded twice on the way), a dot segment.
 */
export function isValidName(text: string): boolean {
  const isPlain = text !== '' && text.length <= MAX_NAME_LENGTH && text.isWellFormed() && !/[\p{Cc}%]/u.test(text);
  return isPlain && !text.split(/[/\\]/).some((part) => /^\.\.?(;|$)/.test(part));
}
