import { z } from 'zod';
import { isTextWithinDepth } from '../../upstream/json/depth.ts';
import { HttpError } from '../http/http-error.ts';

const EXAMPLE_QUERY = '{ gateway { version } }';

/** An example for each part of a request, for error messages. */
const EXAMPLES = {
  Body: `{"query": "${EXAMPLE_QUERY}"}`,
  operations: '{"query": "mutation ($file: Upload!) { ... }", "variables": {"file": null}}',
  map: '{"0": ["variables.file"]}',
  query: EXAMPLE_QUERY,
  documentId: 'the SHA-256 of a trusted document',
  operationName: 'Jobs',
  variables: '{"id": "ftjob-abc123"}',
  extensions: '{"cost": true}',
};

type PartName = keyof typeof EXAMPLES;

const object = (name: PartName) =>
  z.record(z.string(), z.unknown(), `${name}: is not an object; expected one such as ${EXAMPLES[name]}`).nullish();
const text = (name: PartName) => z.string(`${name}: is not a string; expected one such as ${EXAMPLES[name]}`).nullish();

const schema = z.object(
  {
    query: text('query'),
    documentId: text('documentId'),
    operationName: text('operationName'),
    variables: object('variables'),
    extensions: object('extensions'),
  },
  `Body: is not an object; expected one such as ${EXAMPLES.Body} (batches are not supported)`,
);

/** The parameters of a request (GraphQL over HTTP), whose document can be given as text or as hash. */
export interface RawParams extends Omit<z.output<typeof schema>, 'query' | 'documentId'> {
  readonly query: string | undefined;
  readonly documentId: string | undefined;
  /** The hash in Apollo's extension `persistedQuery`. */
  readonly persistedHash: string | undefined;
}

/** The parameters of a request, with the text of the document. */
export interface Params extends RawParams {
  readonly query: string;
  /** Whether the document is one of TRUSTED_DOCUMENTS. */
  readonly isTrusted?: boolean;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Maximum nesting of JSON in a request; far above that of real clients. */
const MAX_DEPTH = 1000;

/** Parses the parameters of a JSON body. Throws an HttpError (400); its message starts with `name`. */
export function paramsOfBody(body: Buffer, name: PartName = 'Body'): RawParams {
  return paramsOf(jsonOf(body, name));
}

/** Parses JSON in UTF-8. Throws an HttpError (400); its message starts with `name`. */
export function jsonOf(body: Buffer, name: PartName): unknown {
  guardDepth(body, name);
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw new HttpError(400, `${name}: is not valid JSON in UTF-8; expected an object such as ${EXAMPLES[name]}.`);
  }
}

/** Throws an HttpError (400) for JSON that is nested too deep, before it is parsed; its message starts with `name`. */
export function guardDepth(json: Uint8Array, name: string): void {
  if (isTextWithinDepth(json, MAX_DEPTH)) return;
  throw new HttpError(400, `${name}: exceeds the limit of ${MAX_DEPTH} nested lists and objects.`);
}

/** Parses the parameters in a URL's query. Throws an HttpError (400). */
export function paramsOfUrl(search: URLSearchParams): RawParams {
  const json = (name: PartName) => {
    const value = search.get(name);
    return value ? jsonOf(Buffer.from(value), name) : null;
  };
  return paramsOf({
    query: search.get('query'),
    documentId: search.get('documentId'),
    operationName: search.get('operationName') || null,
    variables: json('variables'),
    extensions: json('extensions'),
  });
}

/** Validates parsed parameters. Throws an HttpError (400). */
export function paramsOf(value: unknown): RawParams {
  const data = isUsual(value) ? value : validated(value);
  const persistedHash = persistedHashOf(data.extensions);
  const query = data.query === '' && persistedHash !== undefined ? undefined : data.query; // Sent for a hash alone.
  return {
    query: query ?? undefined,
    documentId: data.documentId ?? undefined,
    operationName: data.operationName,
    variables: data.variables,
    extensions: data.extensions,
    persistedHash,
  };
}

function validated(value: unknown): z.output<typeof schema> {
  const { data, error } = schema.safeParse(value);
  if (!data) throw new HttpError(400, `${error.issues[0]?.message}.`);
  return data;
}

/** Whether parsed JSON is valid. The schema, which has the messages, takes as long as JSON.parse. Measured. */
function isUsual(value: unknown): value is z.output<typeof schema> {
  if (!isPlainObject(value)) return false;
  const { query, documentId, operationName, variables, extensions } = value;
  return (
    isTextOrNull(query) &&
    isTextOrNull(documentId) &&
    isTextOrNull(operationName) &&
    (variables === undefined || variables === null || isPlainObject(variables)) &&
    (extensions === undefined || extensions === null || isPlainObject(extensions))
  );
}

const isTextOrNull = (value: unknown) => typeof value === 'string' || value === undefined || value === null;

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Returns the hash in Apollo's extension: `{"persistedQuery": {"version": 1, "sha256Hash": "…"}}`. */
function persistedHashOf(extensions: RawParams['extensions']): string | undefined {
  const hash = Object(extensions?.['persistedQuery']).sha256Hash;
  return typeof hash === 'string' ? hash : undefined;
}
