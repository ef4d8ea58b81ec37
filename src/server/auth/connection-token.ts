import type { IncomingHttpHeaders } from 'node:http';

/** Where a token is sent: in the header of a request, or in this member of a WebSocket's `connection_init`. */
export type TokenSource = 'Authorization' | `connectionParams.${string}`;

/** A token as an `Authorization` header, and where it was sent. */
export interface ConnectionToken {
  readonly authorization: string | undefined;
  readonly source: TokenSource;
}

/** The members of `connection_init` that clients put a token into; the first one with a value is used. */
const MEMBERS: readonly (readonly string[])[] = [
  ['authorization'],
  ['Authorization'],
  ['headers', 'authorization'],
  ['headers', 'Authorization'],
  ['authToken'],
  ['token'],
];

/**
 * Finds the token of a WebSocket: in the payload of `connection_init`, because browsers cannot send headers with a WebSocket,
 * else in the header of its request. In the payload, the scheme `Bearer` may be left out.
 */
export function tokenOfConnection(
  { authorization }: IncomingHttpHeaders,
  params: Readonly<Record<string, unknown>> = {},
): ConnectionToken {
  for (const path of MEMBERS) {
    const value = path.reduce<unknown>(ownMember, params);
    if (value === undefined || value === null || value === '') continue;
    return { authorization: withScheme(value), source: `connectionParams.${path.join('.')}` };
  }
  if (authorization !== undefined) return { authorization, source: 'Authorization' };
  return { authorization: undefined, source: 'connectionParams.authorization' };
}

const ownMember = (object: unknown, name: string): unknown =>
  Object.hasOwn(Object(object), name) ? Object(object)[name] : undefined;

/** A text without a scheme gets `Bearer`. Anything else that is no text is malformed: an empty header. */
function withScheme(value: unknown): string {
  if (typeof value !== 'string') return '';
  const text = value.trim();
  return /\s|^bearer$/i.test(text) ? text : `Bearer ${text}`;
}
