import type { Credential } from '../credentials/credential.ts';
import { containsKeyFragment } from '../credentials/key-leak.ts';
import { isMissingEndpoint, readErrorBody } from '../errors/error-body.ts';
import {
  codeOf,
  NO_RETRY,
  type RetryAdvice,
  UpstreamError,
  type UpstreamErrorFacts,
} from '../errors/upstream-error.ts';
import type { Request } from '../resilience/transport.ts';

/** A response with its whole body, in which the key is redacted. */
export interface Received {
  readonly status: number;
  readonly text: string;
  readonly contentType: unknown;
  readonly request: Pick<Request, 'method' | 'target'>;
  readonly facts: UpstreamErrorFacts;
  readonly retry: RetryAdvice;
  readonly credential: Credential;
}

/** Returns null for a response that says that the object does not exist. Throws the error of any other one. */
export function nullIfAbsent(received: Received): null {
  const { status, text, contentType } = received;
  if (status === 404 && !isMissingEndpoint(readErrorBody(text, contentType))) return null;
  throw rejectionOf(received);
}

const MAX_DETAIL_LENGTH = 500;

/** Returns the error of a response that is not a success. */
export function rejectionOf({ status, text, contentType, request, facts, retry, credential }: Received): UpstreamError {
  const body = readErrorBody(text, contentType);
  const isMissing = status === 404 && isMissingEndpoint(body);
  const refusal = { status, body, afterMs: retry.afterMs, isJobCreation: isJobCreation(request) };
  const code = isMissing ? 'UPSTREAM_UNSUPPORTED' : codeOf(refusal);
  const isPermanent = code === 'UPSTREAM_QUOTA_EXCEEDED' || code === 'UPSTREAM_UNSUPPORTED';
  const message = body.message.slice(0, MAX_DETAIL_LENGTH).replace(HALF_CHARACTER, '');
  // Checked after the truncation, which can leave the beginning of a key.
  const isLeak = containsKeyFragment(message, credential);
  const detail = isLeak ? 'message withheld: it contains the credential' : message;
  const upstreamMessage = body.form === 'page' || isLeak ? '' : message;
  return new UpstreamError(code, detail, facts, isPermanent ? NO_RETRY : retry, false, upstreamMessage);
}

const isJobCreation = ({ method, target }: Received['request']) =>
  method === 'POST' && /\/fine_tuning\/jobs(?:\?|$)/.test(target);

/** Surrogates without their other half, such as the last one of a text that was cut off. */
const HALF_CHARACTER = /\p{Surrogate}/gu;
