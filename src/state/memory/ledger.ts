import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { Ledger, LedgerClaim, LedgerJob, LedgerOutcome, Reservation } from '../ledger.ts';

/** Maximum number of keys in memory: a few MB. */
const MAX_KEYS = 10_000;

/** A key whose create has ended: its job, or when the outcome became unknown, in milliseconds since the epoch. */
type Ended = { readonly job: LedgerJob } | { readonly unknownAt: number };

interface Owner {
  until: number;
  isSent: boolean;
}

/** The ledger of one process. The least recently used keys are forgotten: their jobs are found by a search. */
export function createMemoryLedger(clock: Clock, maxKeys = MAX_KEYS): Ledger {
  const ended = new LRUCache<string, Ended>({ maxSize: maxKeys, sizeCalculation: () => 1 });
  const owners = new Map<string, Owner>();

  /** Removes the owner of a key. One that has begun and not ended leaves an unknown outcome. */
  function expire(key: string, owner: Owner): void {
    owners.delete(key);
    if (owner.isSent) ended.set(key, { unknownAt: owner.until });
  }

  function findMade(keys: readonly string[]): LedgerClaim | null {
    for (const key of keys) {
      const known = ended.get(key);
      if (known && 'job' in known) return { kind: 'made', key, job: known.job };
    }
    return null;
  }

  /** Milliseconds until no other create of the keys is under way. */
  function pendingMs(keys: readonly string[], now: number): number {
    let waitMs = 0;
    for (const key of keys) {
      const owner = owners.get(key);
      if (owner === undefined) continue;
      if (owner.until > now) waitMs = Math.max(waitMs, owner.until - now);
      else expire(key, owner);
    }
    return waitMs;
  }

  function open(keys: readonly string[], owner: Owner, now: number): Reservation {
    let unknownAt = Number.NEGATIVE_INFINITY;
    for (const key of keys) {
      const known = ended.get(key);
      if (known && 'unknownAt' in known) unknownAt = Math.max(unknownAt, known.unknownAt);
      owners.set(key, owner);
    }
    const settle = (outcome: LedgerOutcome) => {
      const isOwner = keys.map((key) => owners.get(key) === owner && owners.delete(key)).includes(true);
      if (outcome.kind === 'made' && findMade([outcome.key]) === null) ended.set(outcome.key, { job: outcome.job });
      if (outcome.kind === 'unknown' && isOwner) ended.set(outcome.key, { unknownAt: clock.now() });
    };
    return {
      kind: 'reserved',
      unknown: unknownAt === Number.NEGATIVE_INFINITY ? null : { forMs: now - unknownAt, isLoss: false },
      begin(leaseMs) {
        if (keys.some((key) => owners.get(key) !== owner)) return false;
        owner.isSent = true;
        owner.until = clock.now() + leaseMs;
        return true;
      },
      settle,
      [Symbol.dispose]: () => settle({ kind: 'free' }),
    };
  }

  return {
    reserve(keys, { leaseMs }) {
      const now = clock.now();
      const made = findMade(keys);
      if (made !== null) return made;
      const waitMs = pendingMs(keys, now);
      return waitMs > 0 ? { kind: 'pending', waitMs } : open(keys, { until: now + leaseMs, isSent: false }, now);
    },
  };
}
