import type { IncomingMessage } from 'node:http';

const ONE_RANGE = /^bytes=(?:\d{1,15}-\d{0,15}|-\d{1,15})$/i;

/**
 * Returns the range that the client requests; null for the whole content. Ignores a range of another method, several ranges,
 * and one with a condition, because contents have no validators (RFC 9110 14.2, 13.1.5).
 */
export function requestedRange({ method, headers }: IncomingMessage): string | null {
  const { range, 'if-range': condition } = headers;
  if (method !== 'GET' || range === undefined || condition !== undefined) return null;
  return ONE_RANGE.test(range) ? range.toLowerCase() : null;
}
