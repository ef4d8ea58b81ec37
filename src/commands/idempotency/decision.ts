import { FleetUnavailable } from '../../state/fleet-unavailable.ts';
import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { hasRequestOf, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** Milliseconds for which a create with an unknown outcome may still create its job. */
export const UNKNOWN_MS = 60_000;

/**
 * Thrown when Redis has lost what replicas share, so that another replica can have sent a create with the same key. Its job may
 * not be in the upstream's list yet.
 */
export class LedgerLost extends FleetUnavailable {
  /** `forMs`: milliseconds since the last moment at which such a create can have ended. */
  constructor(forMs: number) {
    super(LOST, Math.max(1, Math.ceil((UNKNOWN_MS - forMs) / 1000)));
  }
}

const LOST =
  'Redis has lost what the replicas of the gateway share, and none can tell whether a job was just created with this idempotencyKey. Retry with the same key after retryAfterSeconds.';

/** The last create of a key, with an unknown outcome. */
export interface UnresolvedCreate {
  readonly error: UpstreamError | LedgerLost;
  /** Milliseconds since it failed. Negative: it can still be under way. */
  readonly forMs: number;
}

/** The job of a key: created by the same request, or by another one (a conflict). */
export type Found = { readonly kind: 'created' | 'conflict'; readonly job: Job };

/**
 * `created` and `conflict`: return the job that was found. `unresolved`: fail with the error of the last create, whose job may
 * still appear. `create`: create the job.
 */
export type Decision =
  | Found
  | { readonly kind: 'unresolved'; readonly error: UnresolvedCreate['error'] }
  | { readonly kind: 'create' };

/**
 * Decides how a request with an idempotency key continues. `found` is the job with its key, `last` the unresolved create of
 * the key; null when there is none.
 */
export function decide(mark: IdempotencyMark, found: Job | null, last: UnresolvedCreate | null): Decision {
  if (found !== null) return { kind: hasRequestOf(found, mark) ? 'created' : 'conflict', job: found };
  if (last !== null && last.forMs < UNKNOWN_MS) return { kind: 'unresolved', error: last.error };
  return { kind: 'create' };
}
