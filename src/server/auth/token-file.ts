import { readFileSync } from 'node:fs';
import { isRole, roles } from '../../request/viewer.ts';
import type { Token } from './token.ts';

const MAX_PROBLEMS = 5;
const NAME = /^(?!fgw_)[\w.@-]{1,64}$/; // Names are logged: reject a token in the place of a name.
const SHA_256 = /^[\da-f]{64}$/i;

export const EXPECTED_NAME = 'expected a name of at most 64 letters, digits and . _ - @, such as ann';
export const EXPECTED_ROLE = `expected one of the roles ${roles.join(', ')}`;

export const isName = (text: string) => NAME.test(text);

/** The content of a token list; only `problems`, each a sentence, when any line is invalid. */
export type TokenList =
  | { readonly tokens: readonly Token[]; readonly problems?: never }
  | { readonly tokens?: never; readonly problems: readonly string[] };

/** Reads and parses a token list. */
export function readTokenList(file: string): TokenList {
  try {
    return parseTokenList(readFileSync(file, 'utf8'));
  } catch {
    return {
      problems: ['cannot be read; expected the path of a token list, which npm run token -- NAME ROLE FILE writes'],
    };
  }
}

/**
 * Parses a token list. Each line has a name, a role and the token's SHA-256 in hex, separated by spaces; `#` starts a
 * comment. Problems never quote the line, because it may contain a token.
 */
export function parseTokenList(text: string): TokenList {
  const tokens: Token[] = [];
  const problems: string[] = [];
  const lineByKey = new Map<string, number>(); // Line numbers by name and by digest.
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    if (words.length === 0) continue;
    const token = parseToken(words, lineByKey);
    if (typeof token === 'string') {
      problems.push(`line ${index + 1}: ${token}`);
    } else {
      tokens.push(token);
      for (const key of uniqueKeysOf(token)) lineByKey.set(key, index + 1);
    }
  }
  if (problems.length === 0) return { tokens };
  const hiddenCount = problems.length - MAX_PROBLEMS;
  return {
    problems: hiddenCount > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${hiddenCount} more lines`] : problems,
  };
}

/** Returns the token, or the problem of the line. */
function parseToken(words: readonly string[], lineByKey: ReadonlyMap<string, number>): Token | string {
  const [name = '', role = '', sha256 = ''] = words;
  if (words.length !== 3)
    return `has ${words.length} ${words.length === 1 ? 'field' : 'fields'}; expected NAME ROLE SHA256`;
  if (!isName(name)) return `NAME is invalid; ${EXPECTED_NAME}`;
  if (!isRole(role)) return `ROLE is invalid; ${EXPECTED_ROLE}`;
  if (!SHA_256.test(sha256)) return "SHA256 is invalid; expected the token's SHA-256 in 64 hex digits";
  const token = { name, role, digest: Buffer.from(sha256, 'hex') };
  const [nameLine, digestLine] = uniqueKeysOf(token).map((key) => lineByKey.get(key));
  if (nameLine !== undefined) return `NAME is also on line ${nameLine}; expected another name`;
  if (digestLine !== undefined) return `SHA256 is also on line ${digestLine}; expected another token`;
  return token;
}

const uniqueKeysOf = ({ name, digest }: Token) => [`name ${name}`, `digest ${digest.toString('hex')}`];
