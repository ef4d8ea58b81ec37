import { type Credential, MIN_KEY_LENGTH, secretsOf } from './credential.ts';

/** What stands in the place of a key. */
const REDACTED = '[credential]';

/** Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays. */
export const redactKey = (text: string, credential: Credential): string => secretsOf(credential).reduce(redact, text);

function redact(text: string, key: string): string {
  const clean = text.replaceAll(key, REDACTED);
  return ESCAPES.test(clean) ? clean.replaceAll(asEscaped(key), REDACTED) : clean;
}

// JSON can write any character in another way, and some servers do: `\/`, `\u0026`.
const ESCAPES = /\\(?:\/|u00)/;

function asEscaped(key: string): RegExp {
  const characters = [...key].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `(?:\\\\?${RegExp.escape(character)}|\\\\u${hex})`;
  });
  return new RegExp(characters.join(''), 'gi');
}

/** As `withoutKey`, for a text that was cut off: its end may be most of a key, which is nearly as good as all of it. */
export function redactTruncatedKey(text: string, credential: Credential): string {
  const clean = redactKey(text, credential);
  for (const key of secretsOf(credential)) {
    for (let length = key.length - 1; length >= MIN_KEY_LENGTH; length--) {
      if (clean.endsWith(key.slice(0, length))) return clean.slice(0, -length) + REDACTED;
    }
  }
  return clean;
}
