/** Longest name, in characters, as most file systems take it. */
const MAX_FILENAME_LENGTH = 200;
const MAX_EXTENSION_LENGTH = 20;

/**
 * A name of a file as it can be shown and stored anywhere: without the path that some clients send, control characters and
 * quotes, also as browsers write those in forms, and not too long; its extension stays.
 */
export function sanitizeFilename(given: string): string {
  const base = given.replace(/^.*[/\\]/s, '').toWellFormed();
  const plain = base.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"'`]|%(?:22|0A|0D)/giu, '_').trim();
  if (/^[._ ]*$/.test(plain)) return 'upload';
  const characters = [...plain];
  if (characters.length <= MAX_FILENAME_LENGTH) return plain;
  const [extension = ''] = /\.\w+$/.exec(plain) ?? [];
  const ending = extension.length <= MAX_EXTENSION_LENGTH ? extension : '';
  return characters.slice(0, MAX_FILENAME_LENGTH - ending.length).join('') + ending;
}
