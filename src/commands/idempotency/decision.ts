import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { hasRequestOf, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** Milliseconds for which a create with an unknown outcome may still create its job. */
export const UNKNOWN_MS = 60_000;

/** The last create of a key, with an unknown outcome. */
export interface UnresolvedCreate {
  readonly error: UpstreamError;
  /** When it failed, in milliseconds since the epoch. */
  readonly unknownAt: number;
}

/** The job of a key: created by the same request, or by another one (a conflict). */
export type Found = { readonly kind: 'created' | 'conflict'; readonly job: Job };

/**
 * `created` and `conflict`: return the job that was found. `unresolved`: fail with the error of the last create, whose job may
 * still appear. `create`: create the job.
 */
export type Decision =
  | Found
  | { readonly kind: 'unresolved'; readonly error: UpstreamError }
  | { readonly kind: 'create' };

/**
 * Decides how a request with an idempotency key continues. `found` is the job with its key, `last` the unresolved create of
 * the key; null when there is none. `now` is in milliseconds since the epoch.
 */
export function decide(mark: IdempotencyMark, found: Job | null, last: UnresolvedCreate | null, now: number): Decision {
  if (found !== null) return { kind: hasRequestOf(found, mark) ? 'created' : 'conflict', job: found };
  if (last !== null && now - last.unknownAt < UNKNOWN_MS) return { kind: 'unresolved', error: last.error };
  return { kind: 'create' };
}
