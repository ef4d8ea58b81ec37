import { isRejection, UpstreamError } from '../../upstream/errors/upstream-error.ts';

/** Thrown into a stream about a job that does not exist, or does not any more. */
export class JobNotFound extends Error {
  override readonly name = 'NoSuchJob';

  constructor(wasThere: boolean) {
    super(wasThere ? 'The job has been deleted.' : 'There is no such job.');
  }
}

/** Whether looking again is useless: the upstream is there and does not do this, or not for this credential. */
export function isPermanent(error: unknown): boolean {
  return isRejection(error) || isCredentialError(error);
}

/** Whether the upstream does not accept the credential: nothing in its scope can be looked at. */
export function isCredentialError(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === 'UPSTREAM_UNAUTHENTICATED';
}

/** Whether the upstream says that there is no such thing. */
export function isNotFound(error: unknown): boolean {
  return error instanceof UpstreamError && isRejection(error) && error.facts.upstreamStatus === 404;
}

/** How long the upstream has asked to be left alone, in milliseconds; 0 when it has not. */
export function retryAfterOf(error: unknown): number {
  return error instanceof UpstreamError ? (error.facts.retryAfterSeconds ?? 0) * 1000 : 0;
}

export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The look has failed.', { cause: reason });
}
