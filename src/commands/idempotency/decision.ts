import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import { hasRequestOf, type IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** How long a create of which nobody knows what came of it may still make its job, in milliseconds. */
export const UNKNOWN_MS = 60_000;

/** The last create under a key of which nobody knows what came of it: how it ended, and when, in milliseconds since the epoch. */
export interface UnresolvedCreate {
  readonly error: UpstreamError;
  readonly unknownAt: number;
}

/** What a job that was found under a key is to who asks for one: the job, or that of another request. */
export type Found = { readonly kind: 'made' | 'other'; readonly job: Job };

/** What is to be done: answer with what was found; or, as there is none, wait for one that may still come, or create it. */
export type Decision = Found | { readonly kind: 'wait'; readonly error: UpstreamError } | { readonly kind: 'create' };

/** Decides by what was found under the key of a mark, null for none. */
export function decide(mark: IdempotencyMark, found: Job | null, last: UnresolvedCreate | null, now: number): Decision {
  if (found !== null) return { kind: hasRequestOf(found, mark) ? 'made' : 'other', job: found };
  if (last !== null && now - last.unknownAt < UNKNOWN_MS) return { kind: 'wait', error: last.error };
  return { kind: 'create' };
}
