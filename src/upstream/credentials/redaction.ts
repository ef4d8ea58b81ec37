import { type Credential, MIN_KEY_LENGTH, secretsOf } from './credential.ts';

/** Replaces a key in a text. */
const REDACTED = '[credential]';

/** Redacts both keys, as some servers echo the key that they refuse. Placeholder keys stay. */
export function redactKey(text: string, { apiKey, adminKey = '' }: Credential): string {
  const redacted = apiKey.length >= MIN_KEY_LENGTH ? redact(text, apiKey) : text;
  return adminKey.length >= MIN_KEY_LENGTH ? redact(redacted, adminKey) : redacted;
}

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

// Nearly all bodies contain no key. `includes` clears one of 76 kB in microseconds, and a regular expression does not.
function redact(text: string, key: string): string {
  const redacted = text.includes(key) ? text.replaceAll(key, REDACTED) : text;
  return hasEscapes(redacted) ? redacted.replaceAll(escapedPattern(key), REDACTED) : redacted;
}

// JSON allows `\/` and `\u0026` for any character, and some servers use them.
const hasEscapes = (text: string) => text.includes('\\') && (text.includes('\\/') || text.includes('\\u00'));

function escapedPattern(key: string): RegExp {
  const characters = [...key].map((character) => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `(?:\\\\?${RegExp.escape(character)}|\\\\u${hex})`;
  });
  return new RegExp(characters.join(''), 'gi');
}
