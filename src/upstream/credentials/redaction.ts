import { type Credential, MIN_KEY_LENGTH, secretsOf } from './credential.ts';

/** Replaces a key in a text. */
const REDACTED = '[credential]';

/** Redacts both keys, as some servers echo the key that they refuse. Placeholder keys stay. */
export const redactKey = (text: string, credential: Credential): string => secretsOf(credential).reduce(redact, text);

/** Redacts like `redactKey`, and also the beginning of a key at the end of a text that was truncated. */
export function redactTruncatedKey(text: string, credential: Credential): string {
  const redacted = redactKey(text, credential);
  for (const key of secretsOf(credential)) {
    for (let length = key.length - 1; length >= MIN_KEY_LENGTH; length--) {
      if (redacted.endsWith(key.slice(0, length))) return redacted.slice(0, -length) + REDACTED;
    }
  }
  return redacted;
}

function redact(text: string, key: string): string {
  const redacted = text.replaceAll(key, REDACTED);
  return ESCAPES.test(redacted) ? redacted.replaceAll(escapedPattern(key), REDACTED) : redacted;
}

// JSON allows `\/` and `\u0026` for any character, and some servers use them.
const ESCAPES = /\\(?:\/|u00)/;

function escapedPattern(key: string): RegExp {
  const characters = [...key].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `(?:\\\\?${RegExp.escape(character)}|\\\\u${hex})`;
  });
  return new RegExp(characters.join(''), 'gi');
}
