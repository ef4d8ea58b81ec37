import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
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
export const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** A response to which headers can be given before it is known what is answered. */
export class GatewayResponse extends ServerResponse {
  /** They go with the others. What `setHeader` takes Node keeps for as long as the response, which may be hours. */
  readonly earlyHeaders: Record<string, string> = {};
}

/** Whose responses are of that kind. */
export type GatewayServer = Server<typeof IncomingMessage, typeof GatewayResponse>;

/** Sends the status and all headers. */
export function writeHead(response: GatewayResponse, status: number, headers: Reply['headers']): void {
  response.writeHead(status, { ...COMMON_HEADERS, ...response.earlyHeaders, ...headers });
}

export function send(response: GatewayResponse, { status, headers, body = '' }: Reply): void {
  const hasLength = status !== 304 && status !== 204;
  writeHead(response, status, hasLength ? { 'content-length': String(Buffer.byteLength(body)), ...headers } : headers);
  response.end(body);
}
