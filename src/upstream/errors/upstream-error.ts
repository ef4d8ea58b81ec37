import { z } from 'zod';
import { replaceUnsafe } from '../../telemetry/unsafe-characters.ts';
import { isQuota, type Refusal } from './quota.ts';

/** Why a call to the upstream failed. Published to clients as part of the enum `ErrorCode`. */
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

/** The problem and the advice for each code. The upstream's own sentence, where clients may see it, replaces the advice. */
const TEXTS: Record<UpstreamErrorCode, { readonly problem: string; readonly advice: string }> = {
  UPSTREAM_RATE_LIMITED: {
    problem: 'The upstream rate limit is reached',
    advice: 'Retry later, after retryAfterSeconds when given.',
  },
  UPSTREAM_QUOTA_EXCEEDED: {
    problem: 'A quota or the credit of the upstream account is used up',
    advice: 'Check its plan, its billing, and how many of its jobs are active.',
  },
  UPSTREAM_UNAUTHENTICATED: {
    problem: 'The upstream did not accept the credential (HTTP 401)',
    advice: 'Check the key, organization and project.',
  },
  UPSTREAM_FORBIDDEN: {
    problem: 'The upstream does not permit this request with this credential',
    advice: 'Check the permissions of the key and its project.',
  },
  UPSTREAM_TIMEOUT: { problem: 'The upstream did not respond in time', advice: 'Retry later.' },
  UPSTREAM_UNAVAILABLE: { problem: 'The upstream is unavailable', advice: 'Retry later.' },
  UPSTREAM_INVALID_RESPONSE: {
    problem: 'The upstream sent an invalid response',
    advice: 'If a retry fails too, report upstreamRequestId to its operator.',
  },
  UPSTREAM_REJECTED: {
    problem: 'The upstream rejected the request',
    advice: 'Check the arguments.',
  },
  UPSTREAM_UNSUPPORTED: {
    problem: 'The upstream does not support this request',
    advice: 'Check that the base URL is that of a server with this endpoint.',
  },
};

export interface UpstreamErrorFacts {
  /** The HTTP status, if there was a response. */
  upstreamStatus?: number | undefined;
  /** The upstream's `x-request-id`, for a question to its operator. */
  upstreamRequestId?: string | undefined;
  /** Minimum seconds before a retry, if the upstream sent them or the gateway did not send the call. */
  retryAfterSeconds?: number | undefined;
}

/** Whether and when to retry after a failure. */
export interface RetryAdvice {
  /** Whether the same call may succeed soon. */
  readonly isRetryable: boolean;
  /** Minimum milliseconds before a retry, from the upstream's headers. */
  readonly afterMs?: number | undefined;
}

export const NO_RETRY: RetryAdvice = { isRetryable: false };

/** Codes whose upstream message is about the request. Under other codes it can expose internals of the upstream. */
const CODES_WITH_UPSTREAM_MESSAGE: ReadonlySet<UpstreamErrorCode> = new Set([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_QUOTA_EXCEEDED',
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_REJECTED',
] as const);

/**
 * Thrown when a call to the upstream fails. `message`, `facts` and `upstreamMessage` are safe for clients. `detail` is the
 * error text of the upstream or the network, for the log only. No text has control characters.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: UpstreamErrorCode;
  readonly facts: UpstreamErrorFacts;
  readonly detail: string;
  readonly retry: RetryAdvice;
  /**
   * Whether a change may have been made despite the error: the request was sent, and no response says that it was refused.
   * Always false for reads, for unsent requests and after a 4xx response.
   */
  readonly isOutcomeUnknown: boolean;
  /** The upstream's sentence about the request, without URLs; null when it has none. */
  readonly upstreamMessage: string | null;

  constructor(
    code: UpstreamErrorCode,
    detail: string,
    facts: UpstreamErrorFacts = {},
    retry: RetryAdvice = NO_RETRY,
    isOutcomeUnknown = false,
    rawUpstreamMessage = '',
  ) {
    const upstreamMessage =
      (CODES_WITH_UPSTREAM_MESSAGE.has(code) && replaceUnsafe(rawUpstreamMessage.replace(URLS, '…')).trim()) || null;
    super(clientMessage(code, upstreamMessage));
    this.code = code;
    this.detail = replaceUnsafe(detail); // A removal could join the parts of a key.
    // Copied: a lazy object of facts keeps a whole response in memory.
    const { upstreamStatus, upstreamRequestId, retryAfterSeconds } = facts;
    this.facts = { upstreamStatus, upstreamRequestId, retryAfterSeconds };
    this.retry = retry;
    this.isOutcomeUnknown = isOutcomeUnknown;
    this.upstreamMessage = upstreamMessage;
  }
}

const URLS = /[a-z][a-z\d+.-]*:\/\/\S+/gi;

/** Thrown by calls that need an admin key when OPENAI_ADMIN_KEY is not set. Nothing was sent. */
export class NoAdminKey extends UpstreamError {
  override readonly message =
    'OPENAI_ADMIN_KEY: is not set; this operation needs the key of an administrator, such as sk-admin-abc123.';

  constructor() {
    super('UPSTREAM_FORBIDDEN', 'not sent: there is no admin key');
  }
}

/** Thrown when the proxy does not connect to the upstream, and nothing was executed. `detail` names the proxy. */
export class ProxyFailure extends UpstreamError {
  override readonly message =
    'The upstream is unavailable: the proxy of the gateway does not connect to it. Retry later.';

  constructor(detail: string, isRetryable: boolean) {
    super('UPSTREAM_UNAVAILABLE', detail, {}, { isRetryable });
  }
}

/** Returns whether a call failed and its change may have been made. */
export const isOutcomeUnknown = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && error.isOutcomeUnknown;

/** Returns the same error, marked as one whose outcome is unknown and which must not be retried. */
export function withUnknownOutcome({ code, detail, facts }: UpstreamError): UpstreamError {
  return new UpstreamError(code, detail, facts, NO_RETRY, true);
}

const REJECTIONS: ReadonlySet<string> = new Set<UpstreamErrorCode>([
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_REJECTED',
  'UPSTREAM_UNSUPPORTED',
]);

/** Returns whether the upstream responded and refused the request. Another endpoint may still serve the purpose. */
export function isRejection(error: unknown): boolean {
  return error instanceof UpstreamError && REJECTIONS.has(error.code);
}

const OUTAGES: ReadonlySet<string> = new Set<UpstreamErrorCode>([
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_UNAVAILABLE',
]);

/** Returns whether an error is independent of the request: the upstream is down, too slow or overloaded. */
export function isOutage(error: unknown): boolean {
  return error instanceof UpstreamError && OUTAGES.has(error.code);
}

/** Maps an error response to the code that clients see. */
export function codeOf(refusal: Refusal): UpstreamErrorCode {
  const { status } = refusal;
  if (isQuota(refusal)) return 'UPSTREAM_QUOTA_EXCEEDED';
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

/** Describes an error for the log. For an invalid body: its first invalid member, such as `method.type: expected string`. */
export function describeError(error: unknown): string {
  if (error instanceof SyntaxError) return 'body: is not JSON'; // The message of a SyntaxError quotes the body.
  if (!(error instanceof z.ZodError)) return String(error);
  const [issue] = error.issues;
  return issue === undefined ? 'body: is invalid' : `${issue.path.join('.') || 'body'}: ${issue.message}`;
}

function clientMessage(code: UpstreamErrorCode, upstreamMessage: string | null): string {
  const { problem, advice } = TEXTS[code];
  if (upstreamMessage === null) return `${problem}. ${advice}`;
  return `${problem}: ${upstreamMessage}${/[.!?…]$/.test(upstreamMessage) ? '' : '.'}`;
}
