import type { IncomingHttpHeaders } from 'node:http';
import Negotiator from 'negotiator';
import { HttpError } from './http-error.ts';

export const JSON_TYPE = 'application/json';
export const GRAPHQL_TYPE = 'application/graphql-response+json';
export const SSE_TYPE = 'text/event-stream';
/** Our name for Apollo's protocol within `multipart/mixed`. */
export const MULTIPART_TYPE = 'multipart/x-subscription';
const HTML_TYPE = 'text/html';

/** What a client takes as the answer to an operation. */
export interface AnswerTypes {
  /** For one result, what it likes best: JSON if it does not care. */
  readonly single: string;
  /** For the results of a subscription, if it takes any. */
  readonly stream: string | undefined;
}

const ANY: AnswerTypes = { single: JSON_TYPE, stream: SSE_TYPE };
const NO_STREAM: AnswerTypes = { single: JSON_TYPE, stream: undefined };

/** The media types of a GraphQL answer that the client likes best. Throws a Refusal (406) when it takes none. */
export function answerTypes({ accept }: IncomingHttpHeaders): AnswerTypes {
  if (accept === undefined || accept === '*/*') return ANY;
  if (accept === JSON_TYPE) return NO_STREAM;
  // An answer is always in UTF-8: who asks for that charset asks for nothing else.
  const plain = accept
    .replace(/;\s*charset="?utf-?8"?/gi, '')
    .split(',')
    .map(nameMultipart)
    .join();
  const negotiator = new Negotiator({ headers: { accept: plain } });
  const stream = negotiator.mediaType([SSE_TYPE, MULTIPART_TYPE]);
  const single = negotiator.mediaType([JSON_TYPE, GRAPHQL_TYPE, SSE_TYPE]) ?? stream;
  if (single === undefined) throw new HttpError(406, `Accept: expected ${GRAPHQL_TYPE}, ${JSON_TYPE} or ${SSE_TYPE}.`);
  return { single, stream };
}

// Other protocols are spoken in multipart/mixed as well; the parameter says which.
const SPEC = /;\s*subscriptionSpec="?1\.0"?\s*(?:;|$)/i;

function nameMultipart(range: string): string {
  if (!/^\s*multipart\/mixed\s*;/i.test(range) || !SPEC.test(range)) return range;
  return MULTIPART_TYPE + (/;\s*q=[\d.]+/i.exec(range)?.[0] ?? '');
}

/** Whether a person with a browser asks, who is better served with a page. */
export function prefersHtml(headers: IncomingHttpHeaders): boolean {
  const [first] = new Negotiator({ headers }).mediaTypes([HTML_TYPE, GRAPHQL_TYPE, JSON_TYPE]);
  return headers.accept?.includes(HTML_TYPE) === true && first === HTML_TYPE;
}
