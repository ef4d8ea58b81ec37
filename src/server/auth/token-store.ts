import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Token } from './token.ts';
import { readTokenList } from './token-file.ts';

/** How long a change of the file may stay unseen, in milliseconds. */
const RELOAD_INTERVAL_MS = 1000;

export interface TokenStoreOptions {
  /** Where they are listed. */
  file: string;
  clock: Clock;
  log: Logger;
}

/**
 * The tokens that the file lists now. It is read again at most once a second, when somebody asks, and whole: a file can
 * change without its time or its size. What cannot be read or has faults changes nothing, and is told to the log once.
 */
export function createTokenStore({ file, clock, log }: TokenStoreOptions): () => readonly Token[] {
  let inForce: readonly Token[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  let told = '';

  function look() {
    const { tokens, faults = [] } = readTokenList(file);
    if (tokens) inForce = tokens;
    const complaint = faults.join('; ');
    if (complaint !== told && complaint !== '') {
      log.error({ file, faults }, 'AUTH_TOKENS_FILE has faults: the tokens that it listed before stay in force');
    }
    told = complaint;
  }

  return () => {
    const now = clock.now();
    if (now - lookedAt >= RELOAD_INTERVAL_MS) {
      lookedAt = now;
      look();
    }
    return inForce;
  };
}
