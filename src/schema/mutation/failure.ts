import type { FleetUnavailable } from '../../state/fleet-unavailable.ts';
import { escapeUnsafe } from '../../telemetry/unsafe-characters.ts';
import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { Job } from '../../upstream/resources/job.ts';
import type { ErrorCode } from '../core/errors.ts';

// A mutation returns its failures as data. So the schema lists what can go wrong, and one failed mutation of an operation
// does not hide the results of the others.

/** The reason why a mutation did not succeed. */
export abstract class Failure {
  abstract readonly code: ErrorCode;
  readonly message: string;
  /** The error of the upstream, when that is the reason. Its `detail` is for the log only. */
  readonly cause: UpstreamError | undefined;

  constructor(message: string, cause?: UpstreamError) {
    this.message = escapeUnsafe(message); // It may quote the input.
    this.cause = cause;
  }
}

/** A problem of an input: its position, as names of fields and indices in lists, and what was expected there. */
export interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** The input is invalid. Nothing was sent to the upstream. The message is that of the first issue. */
export class InvalidInput extends Failure {
  readonly code = 'BAD_USER_INPUT';
  /** All problems, at least one. */
  readonly issues: readonly InputIssue[];

  constructor(issues: readonly InputIssue[]) {
    const [first, ...others] = issues;
    const more = others.length === 0 ? '' : ` issues has ${others.length} more.`;
    super(`${first?.path.join('.') || 'input'}: ${first?.message}.${more}`);
    this.issues = issues.map(({ path, message }) => ({ path, message: escapeUnsafe(message) }));
  }
}

/** The object of the mutation does not exist or was deleted. */
export class NotFound extends Failure {
  readonly code = 'NOT_FOUND';
}

/** Creates the failure of an id of the input that no entity has: `fileId: no file has the id "x"; expected …`. */
export function notFound(field: string, entity: string, example: string, id: string): NotFound {
  const quoted = JSON.stringify(id.slice(0, MAX_QUOTE_LENGTH));
  return new NotFound(`${field}: no ${entity} has the id ${quoted}; expected an existing id, such as ${example}.`);
}

const MAX_QUOTE_LENGTH = 100;

/** The current state does not allow the mutation. */
export class Conflict extends Failure {
  readonly code = 'CONFLICT';
  /** The status of the job that causes the conflict, as the upstream spells it. */
  readonly rawStatus: string;
  /** The job that causes the conflict; null when it was deleted. */
  readonly job: Job | null;

  constructor(message: string, job: Job | null, cause?: UpstreamError) {
    super(message, cause);
    this.rawStatus = job?.status ?? 'deleted';
    this.job = job;
  }
}

/** The role of the caller, or a setting of the gateway, does not allow the mutation. */
export class Forbidden extends Failure {
  readonly code = 'FORBIDDEN';
}

/** A quota of the upstream account, or of the caller, is used up. */
export class QuotaExceeded extends Failure {
  readonly code: 'UPSTREAM_QUOTA_EXCEEDED' | 'RATE_LIMITED';
  readonly retryAfterSeconds: number | null;

  constructor(code: QuotaExceeded['code'], message: string, retryAfterSeconds: number | null, cause?: UpstreamError) {
    super(message, cause);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The mutation needs what the replicas of the gateway share, and that cannot be reached. It was not executed. */
export class Unavailable extends Failure {
  readonly code = 'FLEET_UNAVAILABLE';
  readonly retryAfterSeconds: number;

  constructor({ message, retryAfterSeconds }: FleetUnavailable) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The upstream did not confirm the mutation: after the request was sent, the connection broke or the upstream failed. */
export class OutcomeUnknown extends Failure {
  readonly code = 'OUTCOME_UNKNOWN';
}

/** The upstream rejected the mutation, or it was not sent. It has not taken effect. */
export class UpstreamFailure extends Failure {
  readonly code: ErrorCode;
  override readonly cause: UpstreamError;

  constructor(cause: UpstreamError) {
    super(cause.message);
    this.code = cause.code;
    this.cause = cause;
  }
}

/** The failures that every mutation can return. */
export type CommonFailure = Forbidden | OutcomeUnknown | QuotaExceeded | Unavailable | UpstreamFailure;
