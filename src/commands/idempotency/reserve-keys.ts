import { type Clock, sleep } from '../../clock.ts';
import type { Ledger, LedgerClaim } from '../../state/ledger.ts';

/** A search for the job of a key whose replica does not renew its reservation for so long is continued by another replica. */
const SEARCH_LEASE_MS = 5000;
const FIRST_WAIT_MS = 20;
const MAX_WAIT_MS = 250;

export type Claimed = Exclude<LedgerClaim, { readonly kind: 'pending' }>;

/**
 * Reserves the keys, or returns the job of one of them. Waits while another replica has them: until it has settled them, or at
 * most until its reservation expires. `createMs` is the maximum time of a create. Rejects with FleetUnavailable.
 */
export async function reserveKeys(
  ledger: Ledger,
  keys: readonly string[],
  createMs: number,
  clock: Clock,
): Promise<Claimed> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_WAIT_MS)) {
    const claim = await ledger.reserve(keys, { leaseMs: SEARCH_LEASE_MS, createMs });
    if (claim.kind !== 'pending') return claim;
    await sleep(Math.min(waitMs, claim.waitMs), clock, new AbortController().signal);
  }
}
