/** Counts what callers did today (UTC), on all replicas together. */
export interface DailyCounts {
  /**
   * Takes one of `limit` units of the day. Rejects with FleetUnavailable, without a unit, while the count is not known
   * for certain.
   */
  take(operation: string, caller: string, limit: number): DailyUnit | Promise<DailyUnit>;
  /** Units that were taken today, as far as this replica knows: of others up to about a second ago. */
  countOf(operation: string, caller: string): number;
}

export type DailyUnit =
  /** `refund` gives the unit back to its day; later calls do nothing. */
  | { readonly isTaken: true; refund(): void }
  /** No unit was left `at` this time, in milliseconds since the epoch. */
  | { readonly isTaken: false; readonly at: number };

export const DAY_MS = 86_400_000;

/** Days since the epoch, UTC. `now` is in milliseconds since the epoch. */
export const dayOf = (now: number) => Math.floor(now / DAY_MS);
