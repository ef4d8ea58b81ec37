import type { IncomingHttpHeaders } from 'node:http';
import Negotiator from 'negotiator';
import { HttpError } from './http-error.ts';
import { quoteInput } from './quote-input.ts';
import { memoizeText } from './text-memo.ts';

export const JSON_TYPE = 'application/json';
export const GRAPHQL_TYPE = 'application/graphql-response+json';
export const SSE_TYPE = 'text/event-stream';
/** Internal name of Apollo's subscription protocol, which is `multipart/mixed` with a parameter. */
export const MULTIPART_TYPE = 'multipart/x-subscription';
const HTML_TYPE = 'text/html';

/** `Accept` of a client that supports Apollo's subscription protocol. */
export const MULTIPART_ACCEPT = 'multipart/mixed;subscriptionSpec="1.0"';

/** The media types of the response to an operation. */
export interface ResponseTypes {
  /** For a single result: the client's preferred type, JSON without a preference. */
  readonly single: string;
  /** For a subscription; undefined when the client accepts no stream. */
  readonly stream: string | undefined;
}

const ANY: ResponseTypes = { single: JSON_TYPE, stream: SSE_TYPE };
const NO_STREAM: ResponseTypes = { single: JSON_TYPE, stream: undefined };

/** Negotiates the media types of the response by `Accept`. Throws an HttpError (406) when the client accepts none. */
export function negotiateResponseTypes({ accept }: IncomingHttpHeaders): ResponseTypes {
  if (accept === undefined || accept === '*/*') return ANY;
  if (accept === JSON_TYPE) return NO_STREAM;
  return negotiate(accept);
}

const negotiate = memoizeText((accept): ResponseTypes => {
  // Every response is UTF-8, so the parameter makes no difference.
  const withoutCharset = accept
    .replace(/;\s*charset="?utf-?8"?/gi, '')
    .split(',')
    .map(renameMultipart)
    .join();
  const negotiator = new Negotiator({ headers: { accept: withoutCharset } });
  const stream = negotiator.mediaType([SSE_TYPE, MULTIPART_TYPE]);
  const single = negotiator.mediaType([JSON_TYPE, GRAPHQL_TYPE, SSE_TYPE]) ?? stream;
  if (single === undefined) {
    throw new HttpError(
      406,
      `Accept: ${quoteInput(accept)} is not supported; expected ${GRAPHQL_TYPE}, ${JSON_TYPE}, ${SSE_TYPE} or ${MULTIPART_ACCEPT}.`,
    );
  }
  return { single, stream };
});

/** Whether the client prefers an HTML page, as a browser does. */
export function prefersHtml(headers: IncomingHttpHeaders): boolean {
  const [first] = new Negotiator({ headers }).mediaTypes([HTML_TYPE, GRAPHQL_TYPE, JSON_TYPE]);
  return headers.accept?.includes(HTML_TYPE) === true && first === HTML_TYPE;
}

// Other protocols use multipart/mixed too; the parameter selects this one.
const SUBSCRIPTION_SPEC = /;\s*subscriptionSpec="?1\.0"?\s*(?:;|$)/i;

/** Replaces `multipart/mixed` with this parameter by MULTIPART_TYPE, and keeps its quality. */
function renameMultipart(range: string): string {
  if (!/^\s*multipart\/mixed\s*;/i.test(range) || !SUBSCRIPTION_SPEC.test(range)) return range;
  return MULTIPART_TYPE + (/;\s*q=[\d.]+/i.exec(range)?.[0] ?? '');
}
