/** A retry budget: limits retries to a share of all calls, so that an outage does not multiply the load. */
export interface RetryBudget {
  /** Records the first attempt of a call. */
  deposit(): void;
  /** Withdraws one retry. Returns false when the budget is used up. */
  tryWithdraw(): boolean;
}

/** Part of a retry that each call deposits. */
const RETRY_RATIO = 0.1;
/** Maximum balance, and the balance at the start. */
const MAX_BALANCE = 10;

export function createRetryBudget(): RetryBudget {
  let balance = MAX_BALANCE;
  return {
    deposit() {
      balance = Math.min(MAX_BALANCE, balance + RETRY_RATIO);
    },
    tryWithdraw() {
      if (balance < 1) return false;
      balance -= 1;
      return true;
    },
  };
}
