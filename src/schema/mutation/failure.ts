import type { UpstreamError } from '../../upstream/errors/upstream-error.ts';
import type { ErrorCode } from '../core/errors.ts';

// What a mutation answers in place of its success. A failure is data: clients see in the schema what can go wrong, and
// nothing that the mutation's siblings have done is lost to an error.

/** Why a mutation did not do what it was asked. */
export abstract class Failure {
  abstract readonly code: ErrorCode;
  readonly message: string;
  /** The upstream's failure, if that is why; `detail` is for the log only. */
  readonly cause: UpstreamError | undefined;

  constructor(message: string, cause?: UpstreamError) {
    this.message = message;
    this.cause = cause;
  }
}

/** One thing that is wrong with an input, and where: names of its fields, and places in lists. */
export interface InputIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** The input has values that are not accepted; here is all that is wrong with it. */
export class InvalidInput extends Failure {
  readonly code = 'BAD_USER_INPUT';
  /** At least one. */
  readonly issues: readonly InputIssue[];

  constructor(issues: readonly InputIssue[]) {
    const [first, ...others] = issues;
    const more = others.length === 0 ? '' : `, and ${others.length} more`;
    super(`${first?.path.join('.') || 'input'}: ${first?.message}${more}.`);
    this.issues = issues;
  }
}

/** What was to be changed does not exist. */
export class NotFound extends Failure {
  readonly code = 'NOT_FOUND';
}

/** Nothing has the id that a field of the input gives; the message says what was expected there. */
export function notFound(field: string, expected: string, id: string): NotFound {
  return new NotFound(`${field}: expected ${expected}, got ${JSON.stringify(id.slice(0, MAX_QUOTE_LENGTH))}.`);
}

const MAX_QUOTE_LENGTH = 100;

/** What was asked does not go together with what there is. */
export class Conflict extends Failure {
  readonly code = 'CONFLICT';
  /** The status of the job concerned, as the upstream spells it. */
  readonly rawStatus: string;

  constructor(message: string, rawStatus: string, cause?: UpstreamError) {
    super(message, cause);
    this.rawStatus = rawStatus;
  }
}

/** The caller, or the gateway, may not do this. */
export class Forbidden extends Failure {
  readonly code = 'FORBIDDEN';
}

/** The upstream account has done as much as it may, or the caller here. */
export class QuotaExceeded extends Failure {
  readonly code: 'UPSTREAM_QUOTA_EXCEEDED' | 'RATE_LIMITED';
  readonly retryAfterSeconds: number | null;

  constructor(code: QuotaExceeded['code'], message: string, retryAfterSeconds: number | null, cause?: UpstreamError) {
    super(message, cause);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Nobody knows whether the upstream did it: after it had been asked the connection broke, or it failed. */
export class OutcomeUnknown extends Failure {
  readonly code = 'OUTCOME_UNKNOWN';
}

/** The upstream did not do it, for a reason of its own. */
export class UpstreamFailure extends Failure {
  readonly code: ErrorCode;
  override readonly cause: UpstreamError;

  constructor(cause: UpstreamError) {
    super(cause.message);
    this.code = cause.code;
    this.cause = cause;
  }
}
