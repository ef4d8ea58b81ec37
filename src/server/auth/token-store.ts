import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Token } from './token.ts';
import { readTokenList } from './token-file.ts';

/** Minimum time between two reads of the file, in milliseconds. */
const RELOAD_INTERVAL_MS = 1000;

export interface TokenStoreOptions {
  /** Path of the token list. */
  file: string;
  clock: Clock;
  log: Logger;
}

/**
 * Creates a function that returns the valid tokens. It reads the whole file again at most once a second, because an edit does
 * not always change the time or the size of the file. An invalid file is logged once per problem; the previous tokens stay
 * valid.
 */
export function createTokenStore({ file, clock, log }: TokenStoreOptions): () => readonly Token[] {
  let validTokens: readonly Token[] = [];
  let lastReadAt = Number.NEGATIVE_INFINITY;
  let loggedProblem = '';

  function reload() {
    const { tokens, problems = [] } = readTokenList(file);
    if (tokens) validTokens = tokens;
    const problem = problems.join('; ');
    if (problem !== loggedProblem && problem !== '') {
      log.error({ file, problems }, 'AUTH_TOKENS_FILE is invalid; the previous tokens stay valid');
    }
    loggedProblem = problem;
  }

  return () => {
    const now = clock.now();
    if (now - lastReadAt >= RELOAD_INTERVAL_MS) {
      lastReadAt = now;
      reload();
    }
    return validTokens;
  };
}
