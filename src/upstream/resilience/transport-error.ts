import { ProxyError } from '../../network/proxy-error.ts';
import { errors } from '../../network/undici.ts';
import {
  describeError,
  NO_RETRY,
  ProxyFailure,
  UpstreamError,
  type UpstreamErrorCode,
} from '../errors/upstream-error.ts';
import type { CallResult } from './circuit-breaker.ts';

// Without 500: it concerns one request, and one broken endpoint must not block the others.
export const isOutageStatus = (status: number) => status > 501;

export function callResultOf(error: unknown): CallResult {
  if (!(error instanceof UpstreamError)) return 'unknown'; // The caller has aborted.
  return error.code === 'UPSTREAM_TIMEOUT' || error.code === 'UPSTREAM_UNAVAILABLE' ? 'down' : 'up';
}

const INVALID_HTTP = [errors.HTTPParserError, errors.HeadersOverflowError, errors.ResponseContentLengthMismatchError];

// Without a response the upstream is unavailable. With one, or with bytes that are not HTTP, the response is invalid.
export function toTransportError(error: unknown, hasResponse: boolean): Error {
  if (isProgramError(error)) return error;
  if (error instanceof ProxyError) return new ProxyFailure(error.message, error.isRetryable);
  const isInvalid = hasResponse || INVALID_HTTP.some((kind) => error instanceof kind);
  const code: UpstreamErrorCode = isInvalid ? 'UPSTREAM_INVALID_RESPONSE' : 'UPSTREAM_UNAVAILABLE';
  const retry = isInvalid ? NO_RETRY : { isRetryable: true };
  return new UpstreamError(code, describeError(error) + adviceOn(error), {}, retry);
}

/** Codes of OpenSSL for a chain of certificates that ends at an unknown authority. */
const UNKNOWN_AUTHORITY =
  /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|(?:DEPTH_ZERO_)?SELF_SIGNED_CERT(?:_IN_CHAIN)?|CERT_UNTRUSTED)$/;

const adviceOn = (error: unknown) =>
  UNKNOWN_AUTHORITY.test(Object(error).code) ? '; NODE_EXTRA_CA_CERTS names a file of certificates to trust' : '';

// A bug in the code that reads a response. It must not count as a failure of the upstream.
function isProgramError(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError;
}
