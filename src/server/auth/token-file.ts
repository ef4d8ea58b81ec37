import { readFileSync } from 'node:fs';
import { isRole, roles } from '../../request/viewer.ts';
import type { Token } from './token.ts';

const MAX_FAULTS = 5;
const NAME = /^(?!fgw_)[\w.@-]{1,64}$/; // Names are logged: none is a token that stands in the wrong place.
const SHA_256 = /^[\da-f]{64}$/i;

export const EXPECTED_NAME = 'expected a name of at most 64 letters, digits and . _ - @';
export const EXPECTED_ROLE = `expected one of the roles ${roles.join(', ')}`;

export const isName = (text: string) => NAME.test(text);

/** What a file of tokens says; nothing but `faults`, each a sentence, when any of its lines is not as it has to be. */
export type TokenList =
  | { readonly tokens: readonly Token[]; readonly faults?: never }
  | { readonly tokens?: never; readonly faults: readonly string[] };

/** Reads a file of tokens, as `parseTokenList` says. */
export function readTokenList(file: string): TokenList {
  try {
    return parseTokenList(readFileSync(file, 'utf8'));
  } catch {
    return { faults: ['expected the path of a file that can be read'] };
  }
}

/**
 * On each line a name, a role and the SHA-256 of the token in hex, with spaces between them; `#` begins a comment. No
 * fault repeats what stands there, as it could be a token.
 */
export function parseTokenList(text: string): TokenList {
  const tokens: Token[] = [];
  const faults: string[] = [];
  const lineOf = new Map<string, number>(); // Of each name and of each digest.
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (words.length === 0) continue;
    const token = parseToken(words, lineOf);
    if (typeof token === 'string') {
      faults.push(`line ${index + 1}: ${token}`);
    } else {
      tokens.push(token);
      for (const key of keysOf(token)) lineOf.set(key, index + 1);
    }
  }
  if (faults.length === 0) return { tokens };
  const more = faults.length - MAX_FAULTS;
  return { faults: more > 0 ? [...faults.slice(0, MAX_FAULTS), `and ${more} more such lines`] : faults };
}

/** The token, or what is wrong with it. */
function parseToken(words: readonly string[], lineOf: ReadonlyMap<string, number>): Token | string {
  const [name = '', role = '', sha256 = ''] = words;
  if (words.length !== 3) return 'expected NAME ROLE SHA256';
  if (!isName(name)) return EXPECTED_NAME;
  if (!isRole(role)) return EXPECTED_ROLE;
  if (!SHA_256.test(sha256)) return "expected the token's SHA-256 in 64 hex digits";
  const token = { name, role, digest: Buffer.from(sha256, 'hex') };
  const [nameLine, digestLine] = keysOf(token).map((key) => lineOf.get(key));
  if (nameLine !== undefined) return `expected another name than on line ${nameLine}`;
  if (digestLine !== undefined) return `expected another token than on line ${digestLine}`;
  return token;
}

const keysOf = ({ name, digest }: Token) => [`name ${name}`, `digest ${digest.toString('hex')}`];
