import type { Points, PointsAccounts } from '../../state/points.ts';

/** The points of a caller, for the upstream calls of its subscriptions. Holds nothing of the request that opened them. */
export interface CallerAccount {
  /** Milliseconds until the caller has points; 0 when it has. */
  msUntilPoints(): Promise<number>;
  /** Spends one point, also when none is left. */
  charge(): void;
}

export const UNLIMITED_ACCOUNT: CallerAccount = { msUntilPoints: async () => 0, charge() {} };

/** `accounts` returns the accounts that pay now. */
export function createCallerAccount(points: Points, accounts: () => PointsAccounts): CallerAccount {
  return {
    msUntilPoints: () => points.msUntilPoints(accounts()),
    charge() {
      for (const account of accounts()) void points.charge(account, 1); // Does not reject.
    },
  };
}
