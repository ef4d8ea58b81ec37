/** Maximum characters of a filename; most file systems accept that many. */
const MAX_FILENAME_LENGTH = 200;
const MAX_EXTENSION_LENGTH = 20;

/**
 * Returns a filename that can be displayed and stored anywhere. Removes the path that some clients send, replaces control
 * characters and quotes (also escaped as browsers do in forms), and truncates a long name before its extension.
 */
export function sanitizeFilename(filename: string): string {
  const base = filename.replace(/^.*[/\\]/s, '').toWellFormed();
  const plain = base.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"'`]|%(?:22|0A|0D)/giu, '_').trim();
  if (/^[._ ]*$/.test(plain)) return 'upload';
  const characters = [...plain];
  if (characters.length <= MAX_FILENAME_LENGTH) return plain;
  const [extension = ''] = /\.\w+$/.exec(plain) ?? [];
  const ending = extension.length <= MAX_EXTENSION_LENGTH ? extension : '';
  return characters.slice(0, MAX_FILENAME_LENGTH - ending.length).join('') + ending;
}
