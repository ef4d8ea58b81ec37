import type { Clock } from '../../clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Token } from './token.ts';
import { readTokenList, readTokenText, uniqueKeysOf } from './token-file.ts';

/** Minimum time between two reads of the file, in milliseconds. */
const RELOAD_INTERVAL_MS = 1000;
/** The same while a removed token is in force, and the time without a change after which a file is complete. */
const SETTLE_MS = 500;
/** Maximum time for which a file that changes all the time leaves a removed token in force, in milliseconds. */
const MAX_UNSETTLED_MS = 2000;
/** Maximum difference between the clocks of the gateway and of the file system, in milliseconds. */
const MAX_SKEW_MS = 60_000;

export interface TokenStoreOptions {
  /** Path of the token list. */
  file: string;
  clock: Clock;
  log: Logger;
}

/**
 * Creates a function that returns the valid tokens. It reads the whole file again at most once a second, because an edit does
 * not always change the time or the size of the file. The valid lines are in force. Each other line is a problem, which is
 * logged once. A file that cannot be read has no line.
 *
 * A new or changed line takes effect at once. A token whose line is gone is revoked when the file has been complete: without a
 * change for half a second. A more recent file may be half written, or deleted to be replaced: it is read again first.
 */
export function createTokenStore({ file, clock, log }: TokenStoreOptions): () => readonly Token[] {
  let valid: readonly Token[] = [];
  let nextReadAt = Number.NEGATIVE_INFINITY;
  let unsettledSince: number | null = null;
  let loggedProblem = '';

  function reload(now: number) {
    const content = readTokenText(file);
    const { tokens, problems } = readTokenList(content);
    const removed = withoutLine(valid, tokens);
    unsettledSince = removed.length > 0 ? (unsettledSince ?? now) : null;
    if (unsettledSince !== null && !isComplete(content.changedAt, now) && now - unsettledSince < MAX_UNSETTLED_MS) {
      nextReadAt = now + SETTLE_MS;
      valid = [...removed, ...tokens];
      return;
    }
    unsettledSince = null;
    for (const [from, to] of renames(valid, tokens)) log.warn({ from, to }, RENAMED);
    valid = tokens;
    logProblems(problems, 'AUTH_TOKENS_FILE is invalid; only the tokens on its valid lines are accepted');
  }

  function logProblems(problems: readonly string[], message: string) {
    const problem = problems.join('; ');
    if (problem !== loggedProblem && problem !== '') log.error({ file, problems }, message);
    loggedProblem = problem;
  }

  return () => {
    const now = clock.now();
    if (now < nextReadAt) return valid;
    nextReadAt = now + RELOAD_INTERVAL_MS;
    try {
      reload(now);
    } catch (error) {
      logProblems([String(error)], 'AUTH_TOKENS_FILE cannot be read now; the previous tokens stay valid');
    }
    return valid;
  };
}

/** Whether a file has not changed for a while. A time far in the future is of another clock, and says nothing. */
function isComplete(changedAt: number, now: number): boolean {
  const age = now - changedAt;
  return age >= SETTLE_MS || age < -MAX_SKEW_MS;
}

/** Returns the tokens of which the list has neither the name nor the digest. */
function withoutLine(tokens: readonly Token[], list: readonly Token[]): readonly Token[] {
  const keys = new Set(list.flatMap(uniqueKeysOf));
  return tokens.filter((token) => uniqueKeysOf(token).every((key) => !keys.has(key)));
}

const RENAMED = 'a token has another name: a new caller, with daily quotas and idempotency keys of its own';

/** Returns the old and the new name of each token that has another name in the list. */
function renames(tokens: readonly Token[], list: readonly Token[]): [from: string, to: string][] {
  const nameOf = new Map(tokens.map(({ name, digest }) => [digest.toString('hex'), name]));
  return list.flatMap(({ name, digest }) => {
    const from = nameOf.get(digest.toString('hex')) ?? name;
    return from === name ? [] : [[from, name] as [string, string]];
  });
}
