import { isRejection, UpstreamError } from '../../upstream/errors/upstream-error.ts';

/** Thrown into a subscription to a job that does not exist, or was deleted. */
export class JobNotFound extends Error {
  override readonly name = 'JobNotFound';

  constructor(wasDeleted: boolean) {
    const problem = wasDeleted ? 'is the id of a deleted job' : 'is not the id of a job';
    super(`jobId: ${problem}; expected the id of an existing job, such as ftjob-abc123.`);
  }
}

/** Whether another poll is useless: the upstream rejects the request or the credential. */
export function isPermanent(error: unknown): boolean {
  return isRejection(error) || isCredentialError(error);
}

/** Whether the upstream rejects the credential: no poll of its scope can succeed. */
export function isCredentialError(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === 'UPSTREAM_UNAUTHENTICATED';
}

/** Whether the upstream responded 404. */
export function isNotFound(error: unknown): boolean {
  return error instanceof UpstreamError && isRejection(error) && error.facts.upstreamStatus === 404;
}

/** Returns the upstream's Retry-After in milliseconds; 0 when there is none. */
export function retryAfterOf(error: unknown): number {
  return error instanceof UpstreamError ? (error.facts.retryAfterSeconds ?? 0) * 1000 : 0;
}

export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The poll failed.', { cause: reason });
}
