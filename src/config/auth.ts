import { z } from 'zod';
import type { Auth } from '../server/auth/authenticate.ts';
import { readTokenList } from '../server/auth/token-file.ts';

// How callers show who they are: the part of the configuration that says so.

/** The variables that decide it. */
export const authSettings = {
  AUTH: z
    .enum(['none', 'tokens', 'passthrough'], 'expected none, tokens or passthrough')
    .default('none')
    .describe('how callers are known: none, tokens, or passthrough (by their own upstream keys, which are used)'),
  AUTH_TOKENS_FILE: z
    .string()
    .optional()
    .describe('for tokens: lines of NAME ROLE SHA256, as npm run token writes them; read again when it changes'),
};

type Settings = z.output<z.ZodObject<typeof authSettings>>;

/** What contradicts itself, is missing or cannot be read: one sentence each. */
export function authFaults({ AUTH, AUTH_TOKENS_FILE: file }: Readonly<Record<string, string | undefined>>): string[] {
  if (AUTH === undefined && file !== undefined) return ['AUTH: expected tokens, as AUTH_TOKENS_FILE is set'];
  if (AUTH !== 'tokens') return [];
  const { problems: faults = [] } = file === undefined ? MISSING : readTokenList(file);
  return faults.map((fault) => `AUTH_TOKENS_FILE: ${fault}`);
}

const MISSING = { problems: ['expected the path of a file of tokens; npm run token -- NAME ROLE FILE makes one'] };

/** Settings that have no faults, as how callers are known. */
export function authOf({ AUTH: kind, AUTH_TOKENS_FILE: file = '' }: Settings): Auth {
  return kind === 'tokens' ? { kind, file } : { kind };
}
