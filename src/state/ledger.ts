import type { Answer } from './answer.ts';

/** The job that was created with a key. */
export interface LedgerJob {
  readonly jobId: string;
  /** Digest of the request that created it. */
  readonly request: string;
}

/** The last create of a key, with an unknown outcome. */
export interface UnknownCreate {
  /** Milliseconds since it failed. Negative: it can still be under way. */
  readonly forMs: number;
  /** Whether such a create is only possible: the state was lost, with all reservations in it. */
  readonly isLoss: boolean;
}

/** The result of a create. `key` is one of the reserved keys. `free`: nothing was created. */
export type LedgerOutcome =
  | { readonly kind: 'made'; readonly key: string; readonly job: LedgerJob }
  | { readonly kind: 'unknown'; readonly key: string }
  | { readonly kind: 'free' };

/** The exclusive right to search for the job of some keys, and then to create it. Its disposal frees the keys. */
export interface Reservation extends Disposable {
  readonly kind: 'reserved';
  /** Null without one. */
  readonly unknown: UnknownCreate | null;
  /**
   * Announces that the create is sent now and ends within `leaseMs`; then its outcome counts as unknown. False: another
   * replica has the keys, or the state was lost, and nothing may be sent.
   */
  begin(leaseMs: number): Answer<boolean>;
  /** Records the outcome. After the first call only `made` has an effect: an unknown job can be found later. */
  settle(outcome: LedgerOutcome): void;
}

/** The state of some keys in the ledger. */
export type LedgerClaim =
  | Reservation
  | { readonly kind: 'made'; readonly key: string; readonly job: LedgerJob }
  /** Another create of a key is under way, for at most `waitMs`. */
  | { readonly kind: 'pending'; readonly waitMs: number };

/** The creates with an idempotency key. Only one at a time, of all replicas, has the reservation of a key. */
export interface Ledger {
  /**
   * Reserves the keys, all or none, for `leaseMs`; a live owner keeps them for longer. Keys reveal nothing: they are HMACs.
   * `createMs` is the time that a create takes at most. Rejects with FleetUnavailable.
   */
  reserve(keys: readonly string[], lease: { readonly leaseMs: number; readonly createMs: number }): Answer<LedgerClaim>;
}
