const MAX_CHARACTERS = 150;
/** Control characters, line and path separators, characters that reverse the direction of text, and leading dots. */
const UNSAFE = /^\.+|[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}/\\]+/gu;
const EXTENSION = /\.[A-Za-z\d]{1,10}$/;

/**
 * Returns the header `content-disposition` of a file to save, for any name (RFC 6266). `filename` has the name in ASCII, and
 * `filename*` in UTF-8 if it differs (RFC 8187).
 */
export function attachment(filename: string): string {
  const name = shorten(filename.toWellFormed()).replace(UNSAFE, '_');
  const ascii = name.replace(/[^\x20-\x7e]|["%]/gu, '_'); // Browsers decode a percent sign in `filename`.
  const value = `attachment; filename="${ascii}"`;
  return ascii === name ? value : `${value}; filename*=UTF-8''${encode(name)}`;
}

/** Shortens a name, and keeps its extension. */
function shorten(name: string): string {
  if (name.length <= MAX_CHARACTERS) return name;
  const extension = EXTENSION.exec(name)?.[0] ?? '';
  return name.slice(0, MAX_CHARACTERS - extension.length).replace(/\p{Surrogate}$/u, '') + extension;
}

/** Encodes all but the attr-char of RFC 8187. */
function encode(name: string): string {
  const escapeCharacter = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(name).replace(/['()*]/g, escapeCharacter);
}
