import { HttpError } from './http-error.ts';
import { quoteInput } from './quote-input.ts';

/** The request target in the first line of a request, in its parts. */
export interface RequestTarget {
  readonly path: string;
  /** The URL's query, without the question mark. */
  readonly search: string;
  /** Host and port of the absolute form; checked like the header `Host`. */
  readonly authority: string | undefined;
}

const GRAPHQL: RequestTarget = { path: '/graphql', search: '', authority: undefined };

/** Reads the origin form (`/graphql?query=…`) and the absolute form (`http://localhost/graphql`). RFC 9112 section 3.2. */
export function readTarget(url: string): RequestTarget {
  if (url === GRAPHQL.path) return GRAPHQL; // Most requests.
  const [, authority, rest = ''] = /^(?:https?:\/\/([^/?#]*))?(.*)$/is.exec(url) ?? [];
  const queryIndex = rest.indexOf('?');
  const path = queryIndex < 0 ? rest : rest.slice(0, queryIndex);
  return {
    path: path === '' && authority !== undefined ? '/' : path,
    search: queryIndex < 0 ? '' : rest.slice(queryIndex + 1),
    authority,
  };
}

/** The error of a path that nothing serves. */
export function unknownPath(path: string): HttpError {
  const downloads = '/files/ID/content, /fine_tuning_jobs/ID/metrics.csv or .json';
  const expected = `/graphql, /health, /ready or /webhooks/openai (with OPENAI_WEBHOOK_SECRET), ${downloads}`;
  return new HttpError(404, `Path: ${quoteInput(path)} is unknown; expected ${expected}.`);
}
