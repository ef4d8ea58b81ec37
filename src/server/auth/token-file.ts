import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileError, isOutOfResources, readRegularFile } from '../../regular-file.ts';
import { isRole, roles } from '../../request/viewer.ts';
import type { Token } from './token.ts';

const MAX_PROBLEMS = 5;
const NAME = /^(?!fgw_)[\w.@-]{1,64}$/; // Names are logged: reject a token in the place of a name.
const SHA_256 = /^[\da-f]{64}$/i;

export const EXPECTED_NAME = 'expected a name of at most 64 letters, digits and . _ - @, such as ann';
export const EXPECTED_ROLE = `expected one of the roles ${roles.join(', ')}`;

export const isName = (text: string) => NAME.test(text);

/** Maximum size of a token list: some 7000 lines. */
const MAX_FILE_BYTES = 2 ** 20;

/** The valid lines of a token list, and a sentence for each other one. */
export interface TokenList {
  readonly tokens: readonly Token[];
  readonly problems: readonly string[];
}

/** The text of a file, or why it cannot be read. */
export type TokenText = (
  | { readonly text: string; readonly problem?: never }
  | { readonly text?: never; readonly problem: string }
) & {
  /** The last change of the file, or of the directory when it is missing; milliseconds since the epoch. */
  readonly changedAt: number;
};

/** Reads the text of a token list. Throws when the process is out of resources. */
export function readTokenText(file: string): TokenText {
  try {
    return readRegularFile(file, MAX_FILE_BYTES);
  } catch (error) {
    if (isOutOfResources(error)) throw error;
    const reason = error instanceof FileError ? `it ${error.message}` : Object(error).code;
    const problem = reason === 'ENOENT' ? UNREADABLE : `${UNREADABLE} (${reason})`;
    return { problem, changedAt: changeOf(file) ?? changeOf(dirname(file)) ?? 0 };
  }
}

function changeOf(path: string): number | undefined {
  try {
    return statSync(path).ctimeMs;
  } catch {
    return undefined;
  }
}

const UNREADABLE = 'cannot be read; expected the path of a token list, which npm run token -- NAME ROLE FILE writes';

/** Parses what `readTokenText` returns. A file that cannot be read has no token. */
export const readTokenList = ({ text, problem }: Pick<TokenText, 'text' | 'problem'>): TokenList =>
  problem === undefined ? parseTokenList(text ?? '') : { tokens: [], problems: [problem] };

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
  const hiddenCount = problems.length - MAX_PROBLEMS;
  const shown = hiddenCount > 0 ? [...problems.slice(0, MAX_PROBLEMS), `and ${hiddenCount} more lines`] : problems;
  return { tokens, problems: shown };
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

/** Keys that no two tokens of a list share. */
export const uniqueKeysOf = ({ name, digest }: Token) => [`name ${name}`, `digest ${digest.toString('hex')}`];
