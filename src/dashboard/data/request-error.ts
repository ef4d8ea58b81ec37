/** Why an operation failed, as a value. `NETWORK` and `ABORTED` are codes of this page, all others of the gateway. */
export interface RequestError {
  /** A value of the schema's `ErrorCode`, `NETWORK` without a response, or `ABORTED`. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds: number | null;
  /** The field that failed; empty when the whole operation did. */
  readonly path: readonly (string | number)[];
}

/** An error in a GraphQL response. */
export interface WireError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  readonly extensions?: { readonly [name: string]: unknown } | undefined;
}

export function fromWire({ message, path = [], extensions = {} }: WireError): RequestError {
  const { code, retryAfterSeconds } = extensions;
  return {
    code: typeof code === 'string' ? code : 'INTERNAL',
    message,
    retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
    path,
  };
}

export const ownError = (code: string, message: string): RequestError => ({
  code,
  message,
  retryAfterSeconds: null,
  path: [],
});

/** Codes of errors that stay: the same request fails again. */
const LASTING = new Set([
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'DOCUMENT_NOT_TRUSTED',
  'FORBIDDEN',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'NOT_FOUND',
  'QUERY_TOO_COMPLEX',
  'UPSTREAM_FORBIDDEN',
  'UPSTREAM_UNSUPPORTED',
]);

/** Whether a later attempt can succeed. */
export const canPass = ({ code }: RequestError): boolean => !LASTING.has(code);
