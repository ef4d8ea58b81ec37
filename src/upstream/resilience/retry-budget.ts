/** Keeps tries again a small part of all calls, so that an outage is not met with a multiple of the load. */
export interface RetryBudget {
  /** Counts a call that is made for the first time. */
  deposit(): void;
  /** Whether one may be made again; takes it off the budget. */
  tryWithdraw(): boolean;
}

/** Tries again for each call. */
const SHARE = 0.1;
/** Most that can be saved up: what a quiet process has for its first troubles. */
const MAX_SAVED = 10;

export function createRetryBudget(): RetryBudget {
  let saved = MAX_SAVED;
  return {
    deposit() {
      saved = Math.min(MAX_SAVED, saved + SHARE);
    },
    tryWithdraw() {
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
