import { type Credential, MIN_KEY_LENGTH, secretsOf } from './credential.ts';

/** Characters of the key, as base64 writes them, that are as good as `MIN_KEY_LENGTH` of its own. */
const MIN_BASE64_LENGTH = 10;
/** What keys of one kind all begin with is no secret: the upstream shows it of a key that it refuses. */
const COMMON_BEGINNING = /^sk-(?:[a-z]+-)*/;

/**
 * Whether eight characters in a row of a key stand in a text of the upstream's: as they are, backwards, with signs
 * escaped as JSON or URLs do, in hexadecimal, in base64 or base64url. A key too short to be one is no secret.
 */
export function containsKeyFragment(text: string, credential: Credential): boolean {
  const keys = secretsOf(credential).map(secretOf);
  const once = unescaped(text); // Twice, as what was escaped for a URL may be escaped for JSON besides.
  return [text, once, unescaped(once)].some((plain) => keys.some((key) => showsKey(plain, key)));
}

function showsKey(text: string, key: string): boolean {
  const bytes = Buffer.from(key);
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return (
    [key, [...key].reverse().join('')].some((form) => share(text, form, MIN_KEY_LENGTH)) ||
    share(text.toLowerCase(), bytes.toString('hex'), 2 * MIN_KEY_LENGTH) ||
    [0, 1, 2].some((place) => share(base64, inBase64(bytes, place), MIN_BASE64_LENGTH))
  );
}

function secretOf(key: string): string {
  const secret = key.replace(COMMON_BEGINNING, '');
  return secret.length < MIN_KEY_LENGTH ? key : secret;
}

/** Whether so many characters in a row of a form stand in the text. */
function share(text: string, form: string, least: number): boolean {
  for (let begin = 0; begin + least <= form.length; begin++) {
    if (text.includes(form.slice(begin, begin + least))) return true;
  }
  return false;
}

function unescaped(text: string): string {
  return text.replace(/(?:%|\\u00)([0-9a-f]{2})|\\([/"\\])/gi, (_, hex: string | undefined, sign: string) =>
    hex === undefined ? sign : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Of bytes that stand somewhere in others, `place` behind a multiple of three: the characters that they alone decide. */
function inBase64(bytes: Buffer, place: number): string {
  const padded = Buffer.concat([Buffer.alloc(place), bytes]);
  return padded.toString('base64').slice(Math.ceil((place * 8) / 6), Math.floor((padded.length * 8) / 6));
}
