import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { CompressedForms } from './compressed-forms.ts';

/** A whole HTTP response as a value. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** `extensions.code` of each error in the body, for the log. */
  readonly errorCodes?: readonly string[];
}

/** A GraphQL response. Its body is encoded once for all clients that get it. */
export interface GraphqlReply extends Reply {
  readonly body: Buffer;
  /** Its compressed forms; missing for the body of a stream, which is not compressed. */
  readonly forms?: CompressedForms;
}

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  const type = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(value) };
}

/** A response with one error, in the format of a GraphQL response. */
export function errorReply(status: number, error: CodedError, headers: Readonly<Record<string, string>> = {}): Reply {
  return { ...jsonReply(status, { errors: [error] }, headers), errorCodes: codesOf([error]) };
}

type CodedError = Pick<GraphQLError, 'message' | 'extensions'>;

/** The codes of errors, for the log; messages are never logged. */
export function codesOf(errors: readonly CodedError[]): string[] {
  return errors.map(({ extensions }) => String(extensions['code']));
}

/** Headers of every response: not cached, not sniffed for another type, not embedded by other sites. */
export const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Headers of an HTML page: checked for a new version at each visit, not framed, without access to devices. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
};

const isNever = () => false;

/** A response that collects headers before its status is known. */
export class GatewayResponse extends ServerResponse {
  /** Sent with all other headers. Node retains `setHeader` values as long as the response, which can be hours. */
  readonly earlyHeaders: Record<string, string> = {};
  /** Whether the connection ends after this response, when its headers are sent. */
  isLast: () => boolean = isNever;
}

/** A Node server whose responses are `GatewayResponse`. */
export type GatewayServer = Server<typeof IncomingMessage, typeof GatewayResponse>;

/** Names and values in turn, as Node writes them fastest. */
type FlatHeaders = readonly string[];

const flattened = new WeakMap<Reply['headers'], FlatHeaders>();

/** Prepares headers that many responses share. Returns them unchanged. */
export function shareHeaders<H extends Reply['headers']>(headers: H): H {
  flattened.set(headers, flatten(headers));
  return headers;
}

const flatten = (headers: Reply['headers']): FlatHeaders => Object.entries({ ...COMMON_HEADERS, ...headers }).flat();

/** Sends the status and all headers. */
export function writeHead(response: GatewayResponse, status: number, headers: Reply['headers'], length?: number): void {
  const all = [...(flattened.get(headers) ?? flatten(headers))];
  for (const [name, value] of Object.entries(response.earlyHeaders)) if (!(name in headers)) all.push(name, value);
  if (length !== undefined && !('content-length' in headers)) all.push('content-length', String(length));
  if (response.isLast()) response.shouldKeepAlive = false; // Node then sends `Connection: close`.
  response.writeHead(status, all);
}

export function send(response: GatewayResponse, { status, headers, body = '' }: Reply): void {
  const hasLength = status !== 304 && status !== 204;
  writeHead(response, status, headers, hasLength ? Buffer.byteLength(body) : undefined);
  response.end(body);
}
