import { containsKeyFragment } from '../credentials/key-leak.ts';
import { isMissingEndpoint, readErrorBody } from '../errors/error-body.ts';
import { codeOf, NO_RETRY, UpstreamError } from '../errors/upstream-error.ts';
import type { Request } from '../resilience/attempt.ts';
import { isRetryable } from '../resilience/retry.ts';
import type { Received } from './received.ts';

/** Returns null for a response that says that the object does not exist. Throws the error of any other one. */
export function nullIfAbsent(received: Received): null {
  const { status, text, headers } = received;
  if (status === 404 && !isMissingEndpoint(readErrorBody(text, headers['content-type']))) return null;
  throw rejectionOf(received);
}

const MAX_DETAIL_LENGTH = 500;

/** Returns the error of a response that is not a success. */
export function rejectionOf(received: Received): UpstreamError {
  const { status, text, headers, request, credential, retryAfterMs: afterMs } = received;
  const body = readErrorBody(text, headers['content-type']);
  const isMissing = status === 404 && isMissingEndpoint(body);
  const refusal = { status, body, afterMs, isJobCreation: isJobCreation(request) };
  const code = isMissing ? 'UPSTREAM_UNSUPPORTED' : codeOf(refusal);
  const isPermanent = code === 'UPSTREAM_QUOTA_EXCEEDED' || code === 'UPSTREAM_UNSUPPORTED';
  const message = body.message.slice(0, MAX_DETAIL_LENGTH).replace(HALF_CHARACTER, '');
  // Checked after the truncation, which can leave the beginning of a key.
  const isLeak = containsKeyFragment(message, credential);
  const detail = isLeak ? 'message withheld: it contains the credential' : message;
  const upstreamMessage = body.form === 'page' || isLeak ? '' : message;
  const retry = isPermanent ? NO_RETRY : { isRetryable: isRetryable(status, headers['x-should-retry']), afterMs };
  return new UpstreamError(code, detail, received, retry, false, upstreamMessage);
}

const isJobCreation = ({ method, target }: Request) => method === 'POST' && /\/fine_tuning\/jobs(?:\?|$)/.test(target);

/** Surrogates without their other half, such as the last one of a text that was cut off. */
const HALF_CHARACTER = /\p{Surrogate}/gu;
