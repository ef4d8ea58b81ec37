import type { IncomingHttpHeaders } from 'node:http';
import Negotiator from 'negotiator';
import { Refusal } from './refusal.ts';

export const JSON_TYPE = 'application/json';
export const GRAPHQL_TYPE = 'application/graphql-response+json';
const HTML_TYPE = 'text/html';

/** The media type of a GraphQL answer that the client likes best, JSON if it does not care. Throws a Refusal (406). */
export function answerType(headers: IncomingHttpHeaders): string {
  const { accept } = headers;
  if (accept === undefined || accept === JSON_TYPE || accept === '*/*') return JSON_TYPE;
  // An answer is always in UTF-8: who asks for that charset asks for nothing else.
  const asked = { headers: { accept: accept.replace(/;\s*charset="?utf-?8"?/gi, '') } };
  const type = new Negotiator(asked).mediaType([JSON_TYPE, GRAPHQL_TYPE]);
  if (type === undefined) throw new Refusal(406, `Accept: expected ${GRAPHQL_TYPE} or ${JSON_TYPE}.`);
  return type;
}

/** Whether a person with a browser asks, who is better served with a page. */
export function prefersHtml(headers: IncomingHttpHeaders): boolean {
  const [first] = new Negotiator({ headers }).mediaTypes([HTML_TYPE, GRAPHQL_TYPE, JSON_TYPE]);
  return headers.accept?.includes(HTML_TYPE) === true && first === HTML_TYPE;
}
