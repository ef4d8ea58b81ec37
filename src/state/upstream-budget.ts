import type { CallBlocks } from './call-blocks.ts';

/** The part of the budget that a call may use: all of it, the share of subscriptions, or calls above the reserve. */
export type BudgetShare = 'any' | 'subscription' | 'spare';

/** Numbers of calls by their part of the budget. */
export type CallCounts = Readonly<Record<BudgetShare, number>>;

/** Share of the rate that all subscriptions together may use: open ones would otherwise use all that is left, permanently. */
export const SUBSCRIPTION_SHARE = 0.5;
/** Share of the saved calls that `spare` leaves to the others. */
export const RESERVE_SHARE = 0.5;

/** The calls that this process may make. */
export interface CallBudget {
  /** Calls per second that this process can expect. */
  readonly perSecond: number;
  /** Calls that are saved, or negative when they are spent in advance. */
  readonly saved: number;
  /** Brings the budget up to now. */
  refresh(): void;
  /** Milliseconds until one call may be made: 0 now; Infinity when it is not known yet. By the last `refresh`. */
  waitMs(share: BudgetShare): number;
  /** Takes one call. */
  spend(share: BudgetShare): void;
  /** Tells how many calls wait. */
  expect(waiting: CallCounts): void;
}

/** The upstream calls of all replicas together. */
export interface UpstreamBudget {
  /** Opens a budget of `perSecond` calls, and as many after an idle second. `onChange`: calls may be made earlier than told. */
  open(perSecond: number, onChange: () => void): CallBudget;
  readonly blocks: CallBlocks;
}
