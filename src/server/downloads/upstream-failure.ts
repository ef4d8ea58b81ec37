import type { UpstreamError, UpstreamErrorCode } from '../../upstream/errors/upstream-error.ts';
import { errorReply, type Reply } from '../http/reply.ts';

const STATUSES: Record<UpstreamErrorCode, number> = {
  UPSTREAM_RATE_LIMITED: 429,
  UPSTREAM_QUOTA_EXCEEDED: 429,
  UPSTREAM_UNAUTHENTICATED: 502, // The credential is the gateway's own.
  UPSTREAM_FORBIDDEN: 403,
  UPSTREAM_TIMEOUT: 504,
  UPSTREAM_UNAVAILABLE: 502,
  UPSTREAM_INVALID_RESPONSE: 502,
  UPSTREAM_REJECTED: 400,
  UPSTREAM_UNSUPPORTED: 502,
};

/** The response when the upstream fails before the first byte of a download. With `isPassthrough` the key is the caller's. */
export function upstreamFailureReply({ code, message, facts }: UpstreamError, isPassthrough: boolean): Reply {
  const isUnauthenticated = isPassthrough && code === 'UPSTREAM_UNAUTHENTICATED';
  const { retryAfterSeconds: seconds } = facts;
  return errorReply(
    isUnauthenticated ? 401 : STATUSES[code],
    { message, extensions: { code, ...facts } },
    {
      ...(isUnauthenticated && { 'www-authenticate': 'Bearer' }),
      ...(seconds !== undefined && { 'retry-after': String(seconds) }),
    },
  );
}
