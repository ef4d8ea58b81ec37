import { type Credential, keysOf, MIN_KEY_LENGTH } from './credential.ts';

/** What stands in the place of a key. */
const CUT_OUT = '[credential]';

/** Servers have been seen to repeat the key that they refuse, and there is `raw`. A key too short to be one stays. */
export const withoutKey = (text: string, credential: Credential): string => keysOf(credential).reduce(cutOut, text);

function cutOut(text: string, key: string): string {
  const clean = text.replaceAll(key, CUT_OUT);
  return ESCAPES.test(clean) ? clean.replaceAll(asEscaped(key), CUT_OUT) : clean;
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
export function withoutKeyToTheEnd(text: string, credential: Credential): string {
  const clean = withoutKey(text, credential);
  for (const key of keysOf(credential)) {
    for (let length = key.length - 1; length >= MIN_KEY_LENGTH; length--) {
      if (clean.endsWith(key.slice(0, length))) return clean.slice(0, -length) + CUT_OUT;
    }
  }
  return clean;
}
