import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';

/** What is answered to one HTTP request. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** `extensions.code` of each error in the body, for the log. */
  readonly errorCodes?: readonly string[];
}

/** A GraphQL answer: always text. */
export interface GraphqlReply extends Reply {
  readonly body: string;
}

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const type = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value) };
}

/** One error, in the form in which GraphQL clients expect it. */
export function errorReply(status: number, error: CodedError, headers: Readonly<Record<string, string>> = {}): Reply {
  return { ...jsonReply(status, { errors: [error] }, headers), errorCodes: codesOf([error]) };
}

type CodedError = Pick<GraphQLError, 'message' | 'extensions'>;

/** What the log says of errors: what each is, never its message. */
export function codesOf(errors: readonly CodedError[]): string[] {
  return errors.map(({ extensions }) => String(extensions['code']));
}

/** Every answer is for the one who asked, is what it says it is, and is nothing for other sites to embed. */
export const HEADERS_OF_ALL = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

export function send(response: ServerResponse, { status, headers, body = '' }: Reply): void {
  response.writeHead(status, {
    ...HEADERS_OF_ALL,
    ...(status !== 304 && status !== 204 && { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
}
