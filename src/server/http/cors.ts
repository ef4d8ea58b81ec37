import type { IncomingMessage } from 'node:http';
import type { Reply } from './reply.ts';

// Which pages of other origins may ask (https://fetch.spec.whatwg.org/#http-cors-protocol). Cookies play no part here, so
// that no answer allows credentials; a page sends its token by itself.

/** Whether a page of one of these origins asks: exactly, with its scheme and port. */
export function isOfOrigin({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  return headers.origin !== undefined && origins.includes(headers.origin);
}

/** The answer to a browser that asks whether a page may ask; undefined for any other request. */
export function preflight(request: IncomingMessage, origins: readonly string[]): Reply | undefined {
  const { 'access-control-request-method': method, 'access-control-request-headers': names } = request.headers;
  if (request.method !== 'OPTIONS' || method === undefined || !isOfOrigin(request, origins)) return undefined;
  return {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, POST',
      // Whichever they are: these pages are as welcome as our own.
      ...(names !== undefined && { 'access-control-allow-headers': names }),
      'access-control-max-age': '7200', // The longest that browsers take.
      vary: 'access-control-request-headers',
    },
  };
}

/** The reply, so that pages of these origins may read it. */
export function withCors<R extends Reply>(reply: R, request: IncomingMessage, origins: readonly string[]): R {
  if (origins.length === 0) return reply;
  const vary = [reply.headers['vary'], 'origin'].filter((name) => name !== undefined).join(', ');
  const { origin } = request.headers;
  if (origin === undefined || !origins.includes(origin)) return { ...reply, headers: { ...reply.headers, vary } };
  const permission = { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED };
  return { ...reply, headers: { ...reply.headers, ...permission, vary } };
}

const EXPOSED = 'x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset';
