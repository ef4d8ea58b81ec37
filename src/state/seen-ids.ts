import type { Answer } from './answer.ts';

/** Ids that any replica has met before. */
export interface SeenIds {
  /** Records an id for `ttlMs`. Returns whether it was recorded before. If the state cannot be asked, this replica decides. */
  record(id: string, ttlMs: number): Answer<boolean>;
  /** Removes an id, so that it is new again. */
  forget(id: string): void;
}
