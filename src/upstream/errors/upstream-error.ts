import { z } from 'zod';

/** Why the upstream did not give what was asked. Published to clients as part of the enum `ErrorCode`. */
export type UpstreamErrorCode =
  | 'UPSTREAM_RATE_LIMITED'
  | 'UPSTREAM_QUOTA_EXCEEDED'
  | 'UPSTREAM_UNAUTHENTICATED'
  | 'UPSTREAM_FORBIDDEN'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_INVALID_RESPONSE'
  | 'UPSTREAM_REJECTED'
  | 'UPSTREAM_UNSUPPORTED';

const SENTENCES: Record<UpstreamErrorCode, string> = {
  UPSTREAM_RATE_LIMITED: 'The upstream is limiting the rate of requests.',
  UPSTREAM_QUOTA_EXCEEDED: 'The upstream account has used up its quota.',
  UPSTREAM_UNAUTHENTICATED: 'The upstream did not accept the credential.',
  UPSTREAM_FORBIDDEN: 'The upstream does not allow this to the credential.',
  UPSTREAM_TIMEOUT: 'The upstream did not answer in time.',
  UPSTREAM_UNAVAILABLE: 'The upstream is not available.',
  UPSTREAM_INVALID_RESPONSE: 'The upstream gave an answer that cannot be understood.',
  UPSTREAM_REJECTED: 'The upstream rejected the request.',
  UPSTREAM_UNSUPPORTED: 'The upstream has no such endpoint.',
};

export interface UpstreamErrorFacts {
  /** The HTTP status, if there was an answer. */
  upstreamStatus?: number | undefined;
  /** The upstream's `x-request-id`, for a question to its operator. */
  upstreamRequestId?: string | undefined;
  /** Seconds until another try makes sense, if the upstream said so. */
  retryAfterSeconds?: number | undefined;
}

/** What a failure says about another try. */
export interface RetryAdvice {
  /** Whether the same call may succeed soon. */
  readonly isRetryable: boolean;
  /** The shortest wait that the upstream asks for, in milliseconds. */
  readonly afterMs?: number | undefined;
}

export const NO_RETRY: RetryAdvice = { isRetryable: false };

/** What an upstream says of a request that it does not do is for whoever made that; of itself it may say more than they should know. */
const SHOWN_TO_CALLER: ReadonlySet<UpstreamErrorCode> = new Set([
  'UPSTREAM_QUOTA_EXCEEDED',
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_REJECTED',
] as const);

/**
 * Thrown when a call to the upstream fails. The message is ours and `facts` are safe for clients; `detail` is what the
 * upstream or the network said, for the log only.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: UpstreamErrorCode;
  readonly facts: UpstreamErrorFacts;
  readonly detail: string;
  readonly retry: RetryAdvice;
  /**
   * Whether what was to be changed may have been changed all the same: the call was sent, and no answer says that it was
   * not made. Never so of a read, and of what was refused: before it was sent, or by an answer of 4xx.
   */
  readonly isOutcomeUnknown: boolean;
  /** What the upstream says is wrong with the request, without addresses; null when it says nothing about that. */
  readonly upstreamMessage: string | null;

  constructor(
    code: UpstreamErrorCode,
    detail: string,
    facts: UpstreamErrorFacts = {},
    retry: RetryAdvice = NO_RETRY,
    isOutcomeUnknown = false,
    message = '',
  ) {
    super(SENTENCES[code]);
    this.code = code;
    this.detail = detail;
    this.facts = facts;
    this.retry = retry;
    this.isOutcomeUnknown = isOutcomeUnknown;
    this.upstreamMessage = (SHOWN_TO_CALLER.has(code) && message.replace(ADDRESS, '…').trim()) || null;
  }
}

const ADDRESS = /[a-z][a-z\d+.-]*:\/\/\S+/gi;

/** Thrown by calls that need the key of an administrator, OPENAI_ADMIN_KEY, when there is none. Nothing was sent. */
export class NoAdminKey extends UpstreamError {
  override readonly message = 'This needs OPENAI_ADMIN_KEY, which is not set.';

  constructor() {
    super('UPSTREAM_FORBIDDEN', 'not asked: there is no admin key');
  }
}

/** Whether it failed so that nobody knows if something was changed. */
export const isOutcomeUnknown = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && error.isOutcomeUnknown;

/** The same failure, of a call of which nobody knows whether it was made. */
export function withUnknownOutcome({ code, detail, facts }: UpstreamError): UpstreamError {
  return new UpstreamError(code, detail, facts, NO_RETRY, true);
}

const REFUSALS: ReadonlySet<string> = new Set<UpstreamErrorCode>([
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_REJECTED',
  'UPSTREAM_UNSUPPORTED',
]);

/** Whether the upstream is there and does not do what was asked: another way to the same thing may work. */
export function isRejection(error: unknown): boolean {
  return error instanceof UpstreamError && REFUSALS.has(error.code);
}

const OUTAGES: ReadonlySet<string> = new Set<UpstreamErrorCode>([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_UNAVAILABLE',
]);

/** Whether a failure says nothing about what was asked: the upstream is down, too slow or too busy. */
export function isOutage(error: unknown): boolean {
  return error instanceof UpstreamError && OUTAGES.has(error.code);
}

// Codes that make another try useless, whatever the status they come with (docs/upstream.md: Errors).
const QUOTA_CODES = new Set([
  'insufficient_quota',
  'daily_rate_limit_exceeded',
  'billing_hard_limit_reached',
  'quotaExceeded', // Azure's.
]);

/** The one table from what an error answer says to the code that clients see. */
export function codeOf(status: number, upstreamCode: string | null): UpstreamErrorCode {
  if (upstreamCode !== null && QUOTA_CODES.has(upstreamCode)) return 'UPSTREAM_QUOTA_EXCEEDED';
  if (status < 400) return 'UPSTREAM_INVALID_RESPONSE';
  switch (status) {
    case 401:
      return 'UPSTREAM_UNAUTHENTICATED';
    case 402:
      return 'UPSTREAM_QUOTA_EXCEEDED';
    case 403:
      return 'UPSTREAM_FORBIDDEN';
    case 405:
    case 501:
      return 'UPSTREAM_UNSUPPORTED';
    case 408:
    case 504:
      return 'UPSTREAM_TIMEOUT';
    case 429:
      return 'UPSTREAM_RATE_LIMITED';
    default:
      return status >= 500 ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_REJECTED';
  }
}

/** Which member of a body was wrong and how, for the log: `method.type: expected string`. */
export function describeInvalidBody(error: unknown): string {
  if (error instanceof SyntaxError) return 'body: not JSON'; // Its message would repeat the body.
  if (!(error instanceof z.ZodError)) return String(error);
  const [issue] = error.issues;
  return issue === undefined ? 'unreadable' : `${issue.path.join('.') || 'body'}: ${issue.message}`;
}
