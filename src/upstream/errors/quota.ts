import type { ErrorBody } from './error-body.ts';

// A used-up quota, which makes a retry useless, as opposed to a rate limit (docs/upstream.md: Errors).

/** An error response and the request that it answers. */
export interface Refusal {
  readonly status: number;
  readonly body: Pick<ErrorBody, 'code' | 'message'>;
  /** Minimum milliseconds before a retry, from the headers of the response. */
  readonly afterMs: number | undefined;
  /** Whether the request creates a job. Only such requests are limited by a quota of jobs. */
  readonly isJobCreation: boolean;
}

// Codes that make a retry useless under any status.
const QUOTA_CODES = new Set([
  'insufficient_quota',
  'daily_rate_limit_exceeded',
  'billing_hard_limit_reached',
  'quotaExceeded', // Azure.
]);

// A quota of jobs comes with the code of a rate limit. Only the sentence differs.
const QUOTA_OF_OPENAI = /\bfine-?tun(?:e|ing) (?:request|job) has been rate-limited\b/i;
const JOB_QUOTA_SENTENCES = [
  /\b(?:active|concurrent|parallel|pending|queued|running|simultaneous)\b[^.;/]{0,60}\b(?:jobs?|fine-?tun\w*|trainings?)\b/i,
  /\b(?:jobs?|fine-?tun\w*|trainings?)\b[^.;/]{0,60}\b(?:at (?:a|the same) time|concurrently|in parallel|simultaneously)\b/i,
];
const REQUEST_LIMIT_SENTENCES = [
  /\b(?:concurrent|parallel|simultaneous) (?:(?:API|client|file|HTTP|open) )?(?:calls?|connections?|requests?|uploads?)\b/i,
  /\b(?:calls?|connections?|requests?|uploads?)\b[^.;,]{0,60}\b(?:at (?:a|the same) time|concurrently|in parallel|simultaneously)\b/i,
];

/** Maximum milliseconds of a wait that is about a rate: rates are per minute or shorter, jobs take longer. */
const MAX_RATE_WAIT_MS = 60_000;

export function isQuota({ status, body: { code, message }, afterMs = Infinity, isJobCreation }: Refusal): boolean {
  if (code !== null && QUOTA_CODES.has(code)) return true;
  if (status !== 429 || !isJobCreation || afterMs <= MAX_RATE_WAIT_MS) return false;
  if (QUOTA_OF_OPENAI.test(message)) return true;
  const isAbout = (sentences: readonly RegExp[]) => sentences.some((sentence) => sentence.test(message));
  return isAbout(JOB_QUOTA_SENTENCES) && !isAbout(REQUEST_LIMIT_SENTENCES);
}
