import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Viewer } from '../../request/viewer.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { type Access, createAccessFactory } from '../../store/cache/scope.ts';
import { isUnredactable } from '../../upstream/credentials/credential.ts';
import type { CredentialSource } from '../../upstream/credentials/credential-source.ts';
import { HttpError } from '../http/http-error.ts';
import { findToken, isSameToken } from './token.ts';
import { createTokenStore, type TokenStoreOptions } from './token-store.ts';

/** How callers authenticate: not at all, with a token of this gateway, or with their own key of the upstream. */
export type Auth =
  | { readonly kind: 'none' }
  | { readonly kind: 'tokens'; readonly file: string }
  | { readonly kind: 'passthrough' };

export interface AuthenticateOptions extends Omit<TokenStoreOptions, 'file'> {
  auth: Auth;
  /** The gateway's own credential of the upstream. Callers that bring their own key replace its key. */
  credentials: CredentialSource;
}

/** Where a token is sent: in the header of a request, or in this member of a WebSocket's `connection_init`. */
export type TokenSource = 'Authorization' | `connectionParams.${string}`;

/** Returns the identity of a caller by its token. Throws an HttpError (401), whose message names the source. */
export type Authenticate = (headers: Pick<IncomingHttpHeaders, 'authorization'>, source?: TokenSource) => Identity;

// Without authentication only this machine reaches the gateway, or it serves the sandbox: no role is needed.
const UNAUTHENTICATED_VIEWER: Viewer = { name: null, role: 'admin' };
const KEY_HOLDER: Viewer = { name: null, role: 'operator' };

export function createAuthenticate({ auth, credentials, ...rest }: AuthenticateOptions): Authenticate {
  const accessOf = createAccessFactory();
  if (auth.kind === 'passthrough') {
    return ({ authorization }, source = 'Authorization') => {
      const apiKey = bearerOf(authorization, source, textsOf(source).key);
      if (isUnredactable(apiKey)) throw unauthenticated(`${source}: ${NUMERIC_KEY}`);
      const access = accessOf({ ...credentials.current, apiKey, adminKey: undefined, earlierKeys: [] }); // The admin key is the gateway's own.
      return identityOf(KEY_HOLDER, () => access, always);
    };
  }
  const ownAccess = createOwnAccess(accessOf, credentials);
  if (auth.kind === 'none') {
    const anyone = identityOf(UNAUTHENTICATED_VIEWER, ownAccess, always);
    return () => anyone.current();
  }
  const tokens = createTokenStore({ file: auth.file, ...rest });
  return ({ authorization }, source = 'Authorization') => {
    const token = findToken(bearerOf(authorization, source, textsOf(source).token), tokens());
    if (token === undefined) throw unauthenticated(`${source}: ${UNKNOWN_TOKEN}`);
    const { name, role } = token;
    const isValid = () => tokens().some((listed) => isSameToken(listed, token));
    return identityOf({ name, role }, ownAccess, isValid);
  };
}

const always = () => true;

/** `accessNow` returns the same object until the credential changes. */
function identityOf(viewer: Viewer, accessNow: () => Access, isValid: () => boolean): Identity {
  const access = accessNow();
  const identity: Identity = {
    viewer,
    access,
    isValid,
    current: () => (accessNow() === access ? identity : identityOf(viewer, accessNow, isValid)),
  };
  return identity;
}

/** Returns a function that returns the access with the current credential: a new one when a key has been replaced. */
function createOwnAccess(accessOf: (credential: Access['credential']) => Access, credentials: CredentialSource) {
  let access = accessOf(credentials.current);
  return () => {
    if (access.credential !== credentials.current) access = accessOf(credentials.current);
    return access;
  };
}

// Messages of at most 123 bytes: they are also the close reasons of WebSockets.
const HEADER_TEXTS = {
  token: 'send Authorization: Bearer TOKEN. Create a token: npm run token -- NAME ROLE FILE',
  key: 'send Authorization: Bearer KEY, with your own API key of the upstream',
};
const CONNECTION_TEXTS = {
  token: 'expected {"authorization": "Bearer TOKEN"}',
  key: 'expected {"authorization": "Bearer KEY"}, your upstream API key',
};
const textsOf = (source: TokenSource) => (source === 'Authorization' ? HEADER_TEXTS : CONNECTION_TEXTS);
const UNKNOWN_TOKEN = 'the token is unknown or revoked; create one: npm run token -- NAME ROLE FILE.';
const NUMERIC_KEY = 'the key is a number, which cannot be redacted; use a key with a letter.';
const REVOKED_TOKEN = 'Authorization: the token was revoked or has another role now; reconnect with a valid token.';

/** The error that ends a stream whose token is revoked or has another role. */
export function revokedError(): GraphQLError {
  return new GraphQLError(REVOKED_TOKEN, { extensions: { code: 'UNAUTHENTICATED' satisfies ErrorCode } });
}

// The characters that the configuration allows in a key. JSON escapes all others, so that redaction would not find them.
const BEARER = /^Bearer +([\x21\x23-\x5b\x5d-\x7e]{1,512})$/i;

function bearerOf(authorization: string | undefined, name: string, expected: string): string {
  const bearer = BEARER.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  throw unauthenticated(`${name}: is ${authorization === undefined ? 'missing' : 'malformed'}; ${expected}.`);
}

function unauthenticated(message: string): HttpError {
  return new HttpError(401, message, { 'www-authenticate': 'Bearer' }, 'UNAUTHENTICATED');
}
