import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'node:util';
import { z } from 'zod';
import { isTextWithinDepth } from '../../upstream/json/depth.ts';
import { HttpError } from '../http/http-error.ts';

const map = (name: string) => z.record(z.string(), z.unknown(), `${name}: expected an object`).nullish();
const text = (name: string) => z.string(`${name}: expected a string`);

const schema = z.object(
  {
    query: text('query').nullish(),
    documentId: text('documentId').nullish(),
    operationName: text('operationName').nullish(),
    variables: map('variables'),
    extensions: map('extensions'),
  },
  'The body: expected one object; batches are not answered',
);

/** What a client asks, by the GraphQL-over-HTTP specification; the document may be named only. */
export interface RawParams extends Omit<z.output<typeof schema>, 'query' | 'documentId'> {
  readonly query: string | undefined;
  readonly documentId: string | undefined;
}

/** What a client asks, with the document. */
export interface Params extends RawParams {
  readonly query: string;
}

// Longer ones are nobody's, and Node takes time for them that grows with the square of their length.
const MAX_CONTENT_TYPE_LENGTH = 200;

/** How the parameters come: as JSON, or in a form with a file, whose parts stand between boundaries. */
export type BodyKind = { readonly kind: 'json' } | { readonly kind: 'form'; readonly boundary: string | null };

/**
 * What a body is. Throws a Refusal (415) unless it is one that a browser sends to another site only after asking first:
 * by its type, or by a header that says no more than that.
 */
export function kindOfBody(headers: IncomingHttpHeaders): BodyKind {
  const { 'content-type': contentType = '', 'content-encoding': encoding = 'identity' } = headers;
  if (encoding !== 'identity') throw new HttpError(415, 'Content-Encoding: expected none.');
  try {
    const type = new MIMEType(contentType.length > MAX_CONTENT_TYPE_LENGTH ? '' : contentType);
    const charset = type.params.get('charset') ?? 'utf-8';
    if (type.essence === 'application/json' && /^utf-?8$/i.test(charset)) return { kind: 'json' };
    const isForm = type.essence === 'multipart/form-data' && PREFLIGHT_HEADERS.some((name) => headers[name]);
    if (isForm) return { kind: 'form', boundary: type.params.get('boundary') };
  } catch {
    // Not a media type at all.
  }
  throw new HttpError(
    415,
    'Content-Type: expected application/json in UTF-8, or multipart/form-data with the header GraphQL-Require-Preflight.',
  );
}

// The second is what clients of Apollo's servers send.
const PREFLIGHT_HEADERS = ['graphql-require-preflight', 'apollo-require-preflight'];

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Deeper than anything that clients send. */
const MAX_DEPTH = 1000;

/** The parameters in a JSON body. Throws a Refusal (400) that names what was expected, and calls it by this name. */
export function paramsOfBody(body: Buffer, name = 'The body'): RawParams {
  return paramsOf(jsonOf(body, name));
}

/** What stands in JSON in UTF-8. Throws a Refusal (400) that calls it by this name. */
export function jsonOf(body: Buffer, name: string): unknown {
  if (!isTextWithinDepth(body, MAX_DEPTH)) {
    throw new HttpError(400, `${name}: expected at most ${MAX_DEPTH} lists and objects inside one another.`);
  }
  return parseJson(() => utf8.decode(body), name);
}

/** The parameters in a URL's query. Throws a Refusal (400) that names what was expected. */
export function paramsOfUrl(search: URLSearchParams): RawParams {
  const json = (name: string) => {
    const value = search.get(name);
    return value ? parseJson(() => value, name) : null;
  };
  return paramsOf({
    query: search.get('query'),
    documentId: search.get('documentId'),
    operationName: search.get('operationName') || null,
    variables: json('variables'),
    extensions: json('extensions'),
  });
}

function parseJson(read: () => string, name: string): unknown {
  try {
    return JSON.parse(read());
  } catch {
    throw new HttpError(400, `${name}: expected JSON in UTF-8.`);
  }
}

/** The parameters in what was read as JSON. Throws a Refusal (400) that names what was expected. */
export function paramsOf(value: unknown): RawParams {
  const { data, error } = schema.safeParse(value);
  if (!data) throw new HttpError(400, `${error.issues[0]?.message}.`);
  return { ...data, query: data.query ?? undefined, documentId: data.documentId ?? persistedQueryOf(data.extensions) };
}

/** The name that Apollo's clients give a document: `{"persistedQuery":{"version":1,"sha256Hash":"…"}}`. */
function persistedQueryOf(extensions: RawParams['extensions']): string | undefined {
  const hash = Object(extensions?.['persistedQuery']).sha256Hash;
  return typeof hash === 'string' ? hash : undefined;
}
