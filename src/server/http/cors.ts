import type { IncomingMessage } from 'node:http';
import type { Reply } from './reply.ts';

// The CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol). The gateway uses no cookies, so that no response
// allows credentials; a page sends its token itself.

/** Whether the request's origin is one of these; scheme, host and port must be equal. */
export function isOfOrigin({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  return headers.origin !== undefined && origins.includes(headers.origin);
}

/** The response to a CORS preflight from one of these origins; undefined for any other request. */
export function preflight(request: IncomingMessage, origins: readonly string[]): Reply | undefined {
  const { 'access-control-request-method': method, 'access-control-request-headers': names } = request.headers;
  if (request.method !== 'OPTIONS' || method === undefined || !isOfOrigin(request, origins)) return undefined;
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST',
      // All requested headers: pages of these origins may send the same as the gateway's own.
      ...(names !== undefined && { 'access-control-allow-headers': names }),
      'access-control-max-age': '7200', // Seconds; the maximum of Chromium.
      vary: 'access-control-request-headers',
    },
  };
}

/** Adds the headers that let pages of these origins read the response. */
export function withCors<R extends Reply>(reply: R, request: IncomingMessage, origins: readonly string[]): R {
  if (origins.length === 0) return reply;
  const vary = [reply.headers['vary'], 'origin'].filter((name) => name !== undefined).join(', ');
  const { origin } = request.headers;
  if (origin === undefined || !origins.includes(origin)) return { ...reply, headers: { ...reply.headers, vary } };
  const permission = { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED };
  return { ...reply, headers: { ...reply.headers, ...permission, vary } };
}

const EXPOSED =
  'x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, content-disposition, content-range, accept-ranges, metrics-complete';
