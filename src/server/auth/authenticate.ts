import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Viewer } from '../../request/viewer.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { type Access, createAccessFactory } from '../../store/cache/scope.ts';
import { isUnredactable } from '../../upstream/credentials/credential.ts';
import type { CredentialSource } from '../../upstream/credentials/credential-source.ts';
import { unauthenticated } from './auth-error.ts';
import type { TokenSource } from './connection-token.ts';
import { identityOf } from './identity.ts';
import { createJwtIdentity, looksLikeJwt } from './jwt-identity.ts';
import type { JwtSettings, JwtVerifier } from './jwt-verifier.ts';
import { findToken, isSameToken } from './token.ts';
import { createTokenStore, type TokenStoreOptions } from './token-store.ts';

/** How callers authenticate: not at all, with a token of this gateway or a JWT, or with their own key of the upstream. */
export type Auth =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'tokens';
      /** The token file; undefined when only JWTs are accepted. */
      readonly file?: string | undefined;
      readonly jwt?: JwtSettings | undefined;
    }
  | { readonly kind: 'passthrough' };

export interface AuthenticateOptions extends Omit<TokenStoreOptions, 'file'> {
  auth: Auth;
  /** The gateway's own credential of the upstream. Callers that bring their own key replace its key. */
  credentials: CredentialSource;
  /** The secret under which scopes are named. Default: one of this process. */
  scopeSecret?: Uint8Array | undefined;
  /** Verifies JWTs; undefined when none are accepted. */
  jwt?: JwtVerifier | undefined;
}

/**
 * Returns the identity of a caller by its token; a promise while a JWT is verified. Throws an HttpError (401, of a JWT also 403
 * and 503), whose message names the source.
 */
export type Authenticate = (
  headers: Pick<IncomingHttpHeaders, 'authorization'>,
  source?: TokenSource,
) => Identity | Promise<Identity>;

// Without authentication only this machine reaches the gateway, or it serves the sandbox: no role is needed.
const UNAUTHENTICATED_VIEWER: Viewer = { name: null, role: 'admin' };
const KEY_HOLDER: Viewer = { name: null, role: 'operator' };

export function createAuthenticate({
  auth,
  credentials,
  scopeSecret,
  jwt,
  ...rest
}: AuthenticateOptions): Authenticate {
  const accessOf = createAccessFactory(scopeSecret);
  if (auth.kind === 'passthrough') {
    return ({ authorization }, source = 'Authorization') => {
      const apiKey = bearerOf(authorization, source, textsOf(source).key, KEY);
      if (isUnredactable(apiKey)) throw unauthenticated(`${source}: ${NUMERIC_KEY}`);
      const access = accessOf({ ...credentials.current, ...NO_OWN_KEYS, apiKey });
      return identityOf({ viewer: KEY_HOLDER, ...NOT_NAMED }, () => access);
    };
  }
  const ownAccess = createOwnAccess(accessOf, credentials);
  if (auth.kind === 'none') {
    const anyone = identityOf({ viewer: UNAUTHENTICATED_VIEWER, ...NOT_NAMED }, ownAccess);
    return () => anyone.current();
  }
  const tokens = auth.file === undefined ? () => [] : createTokenStore({ file: auth.file, ...rest });
  const hasTokens = auth.file !== undefined;
  const identify = jwt && createJwtIdentity(jwt, ownAccess, rest.clock);
  return ({ authorization }, source = 'Authorization') => {
    const texts = textsOf(source);
    const text = bearerOf(authorization, source, hasTokens ? texts.token : texts.jwt, identify ? JWT : KEY);
    const token = findToken(text, tokens());
    if (token === undefined) {
      if (identify && (!hasTokens || looksLikeJwt(text))) return identify(text, source);
      throw unauthenticated(`${source}: ${UNKNOWN_TOKEN}`);
    }
    const { name, role } = token;
    const isValid = () => tokens().some((listed) => isSameToken(listed, token));
    const caller = { viewer: { name, role }, callerId: name, expiresAt: Number.POSITIVE_INFINITY, isValid };
    return identityOf(caller, ownAccess);
  };
}

/** The keys of the gateway: a caller with its own key has none of them. */
const NO_OWN_KEYS = { adminKey: undefined, earlierKeys: [], firstKey: undefined };

const NOT_NAMED = { callerId: null, expiresAt: Number.POSITIVE_INFINITY, isValid: () => true };

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
  jwt: 'send Authorization: Bearer JWT, with an access token of your identity provider',
  key: 'send Authorization: Bearer KEY, with your own API key of the upstream',
};
const CONNECTION_TEXTS = {
  token: 'expected {"authorization": "Bearer TOKEN"}',
  jwt: 'expected {"authorization": "Bearer JWT"}',
  key: 'expected {"authorization": "Bearer KEY"}, your upstream API key',
};
const textsOf = (source: TokenSource) => (source === 'Authorization' ? HEADER_TEXTS : CONNECTION_TEXTS);
const UNKNOWN_TOKEN = 'the token is unknown or revoked; create one: npm run token -- NAME ROLE FILE.';
const NUMERIC_KEY = 'the key is a number, which cannot be redacted; use a key with a letter.';
const REVOKED_TOKEN =
  'Authorization: the token has expired, was revoked or has another role; reconnect with a valid one.';

/** The error that ends a stream whose token has expired, is revoked or has another role. */
export function revokedError(): GraphQLError {
  return new GraphQLError(REVOKED_TOKEN, { extensions: { code: 'UNAUTHENTICATED' satisfies ErrorCode } });
}

// The characters that the configuration allows in a key. JSON escapes all others, so that redaction would not find them.
const KEY = /^Bearer +([\x21\x23-\x5b\x5d-\x7e]{1,512})$/i;
/** With room for the longest JWT, and its own message above. */
const JWT = /^Bearer +([\x21\x23-\x5b\x5d-\x7e]{1,16384})$/i;

function bearerOf(authorization: string | undefined, name: string, expected: string, form: RegExp): string {
  const bearer = form.exec(authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  throw unauthenticated(`${name}: is ${authorization === undefined ? 'missing' : 'malformed'}; ${expected}.`);
}
