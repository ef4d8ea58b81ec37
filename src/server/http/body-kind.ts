import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { HttpError } from './http-error.ts';
import { quoteInput } from './quote-input.ts';
import { memoizeText } from './text-memo.ts';

// Parsing a media type in Node takes quadratic time.
const MAX_CONTENT_TYPE_LENGTH = 200;

/** How the body encodes the parameters: as JSON, or as a multipart form with a file. */
export type BodyKind = { readonly kind: 'json' } | { readonly kind: 'form'; readonly boundary: string | null };

const JSON_BODY: BodyKind = { kind: 'json' };

/**
 * Returns how the body is encoded. Throws an HttpError (415) for any other encoding, and for a form without one of
 * PREFLIGHT_HEADERS. Pages of other sites can send JSON or these headers only after a CORS preflight (protection against
 * CSRF).
 */
export function kindOfBody(headers: IncomingHttpHeaders): BodyKind {
  guardContentEncoding(headers);
  const { 'content-type': contentType = '' } = headers;
  if (contentType === 'application/json') return JSON_BODY;
  const type = parseMediaType(contentType);
  const charset = type?.params.get('charset') ?? 'utf-8';
  if (type?.essence === 'application/json' && /^utf-?8$/i.test(charset)) return JSON_BODY;
  if (type?.essence === 'multipart/form-data') {
    if (PREFLIGHT_HEADERS.some((name) => headers[name])) return { kind: 'form', boundary: type.params.get('boundary') };
    throw new HttpError(
      415,
      'GraphQL-Require-Preflight: is missing; a multipart/form-data request needs this header, such as GraphQL-Require-Preflight: 1 (protection against CSRF).',
    );
  }
  const problem = contentType === '' ? 'is missing' : `${quoteInput(contentType)} is not supported`;
  throw new HttpError(
    415,
    `Content-Type: ${problem}; expected application/json in UTF-8, or multipart/form-data with the header GraphQL-Require-Preflight: 1.`,
  );
}

/** Throws an HttpError (415) for a compressed body. */
export function guardContentEncoding({ 'content-encoding': encoding = 'identity' }: IncomingHttpHeaders): void {
  if (encoding.toLowerCase() === 'identity') return;
  const message = `Content-Encoding: ${quoteInput(encoding)} is not supported; send the body without compression.`;
  throw new HttpError(415, message, { 'accept-encoding': 'identity' }); // RFC 9110 15.5.16.
}

const parseMediaType = memoizeText((contentType): MIMEType | undefined => {
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH) return undefined;
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined; // Not a media type.
  }
});

// Apollo's clients send the second one.
const PREFLIGHT_HEADERS = ['graphql-require-preflight', 'apollo-require-preflight'];
