/** Points that are counted together, in fixed windows of one minute, which start at the first of them. */
export interface PointsAccount {
  /** Accounts of one kind have the same maximum. */
  readonly kind: 'caller' | 'address';
  readonly key: string;
  /** Maximum points of a window. */
  readonly max: number;
}

/** The accounts that pay together: a request spends its points from each of them. */
export type PointsAccounts = readonly [PointsAccount, ...PointsAccount[]];

/** The rest of an account. */
export interface PointsBalance {
  readonly remainingPoints: number;
  readonly msBeforeNext: number;
}

/** The result of spending points. `state` is that of the account with too few, or of the first. */
export interface Spending {
  readonly state: PointsBalance;
  readonly isRejected: boolean;
}

/**
 * The points of callers, the same on every replica. None of the functions rejects because Redis is away: then each replica
 * counts on its own, against its share of each maximum.
 */
export interface Points {
  /** Consumes points from every account, or from none when one has too few. */
  consume(accounts: PointsAccounts, points: number): Promise<Spending>;
  /** Consumes points, also when too few are left. */
  charge(account: PointsAccount, points: number): Promise<void>;
  /** Moves consumed points of the current window from one account to another. */
  transfer(from: PointsAccount, to: PointsAccount, points: number): Promise<void>;
  /** Milliseconds until each account has points; 0 when all have. */
  msUntilPoints(accounts: PointsAccounts): Promise<number>;
}
