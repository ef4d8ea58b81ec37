import { type Credential, MIN_KEY_LENGTH, secretsOf } from './credential.ts';

/** Minimum base64 characters that count as a leak: they encode about `MIN_KEY_LENGTH` bytes. */
const MIN_BASE64_LENGTH = 10;
/** The prefix that keys of one kind share. It is no secret: the upstream shows it when it refuses a key. */
const PUBLIC_PREFIX = /^sk-(?:[a-z]+-)*/;

/**
 * Returns whether a text of the upstream contains eight consecutive characters of a key: plain, reversed, with JSON or URL
 * escapes, in hexadecimal, base64 or base64url. Placeholder keys do not count.
 */
export function containsKeyFragment(text: string, credential: Credential): boolean {
  const keys = secretsOf(credential).map(removePublicPrefix);
  return [...decodings(text)].some((form) => keys.some((key) => containsFragment(form, key)));
}

/**
 * Returns the text with up to two layers of escapes removed. JSON and URL escapes are separate layers: a key may itself
 * contain characters such as `%41`.
 */
function decodings(text: string): ReadonlySet<string> {
  const forms = new Set([text]);
  for (let layer = 0; layer < 2; layer++) {
    for (const form of [...forms]) forms.add(decodeJsonEscapes(form)).add(decodeUrlEscapes(form));
  }
  return forms;
}

function containsFragment(text: string, key: string): boolean {
  const bytes = Buffer.from(key);
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return (
    [key, [...key].reverse().join('')].some((form) => sharesSubstring(text, form, MIN_KEY_LENGTH)) ||
    sharesSubstring(text.toLowerCase(), bytes.toString('hex'), 2 * MIN_KEY_LENGTH) ||
    [0, 1, 2].some((offset) => sharesSubstring(base64, toBase64At(bytes, offset), MIN_BASE64_LENGTH))
  );
}

function removePublicPrefix(key: string): string {
  const secret = key.replace(PUBLIC_PREFIX, '');
  return secret.length < MIN_KEY_LENGTH ? key : secret;
}

/** Returns whether the text contains any substring of `form` that has `length` characters. */
function sharesSubstring(text: string, form: string, length: number): boolean {
  for (let start = 0; start + length <= form.length; start++) {
    if (text.includes(form.slice(start, start + length))) return true;
  }
  return false;
}

function decodeJsonEscapes(text: string): string {
  return text.replace(/\\u00([0-9a-f]{2})|\\([/"\\])/gi, (_, hex: string | undefined, character: string) =>
    hex === undefined ? character : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function decodeUrlEscapes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/**
 * Encodes bytes that start `offset` bytes after a multiple of three within a longer text. Returns only the characters that
 * do not depend on the bytes around them.
 */
function toBase64At(bytes: Buffer, offset: number): string {
  const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
  return padded.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((padded.length * 8) / 6));
}
