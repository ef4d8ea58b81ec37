import type { IncomingHttpHeaders } from 'node:http';
import { GraphQLError } from 'graphql';
import type { Identity } from '../../request/context.ts';
import type { Viewer } from '../../request/viewer.ts';
import type { ErrorCode } from '../../schema/core/errors.ts';
import { createAccessFactory } from '../../store/cache/scope.ts';
import { HttpError } from '../http/http-error.ts';
import { holderOf, isSame } from './token.ts';
import { createTokenStore, type TokenStoreOptions } from './token-store.ts';

/** How callers show who they are: not at all, by a token of this gateway's, or by their own key of the upstream. */
export type Auth =
  | { readonly kind: 'none' }
  | { readonly kind: 'tokens'; readonly file: string }
  | { readonly kind: 'passthrough' };

export interface AuthenticateOptions extends Omit<TokenStoreOptions, 'file'> {
  auth: Auth;
  /** With what the upstream is asked; its key is replaced where callers bring their own. */
  credential: Identity['access']['credential'];
}

/** Who asks, by the headers of a request over whatever transport. Throws a Refusal (401) when they do not say. */
export type Authenticate = (headers: IncomingHttpHeaders) => Identity;

// Who can reach a gateway that asks for nothing is on its machine, or has a sandbox: all that it can do is theirs.
const ANYBODY: Viewer = { name: null, role: 'admin' };
const KEY_HOLDER: Viewer = { name: null, role: 'operator' };

export function createAuthenticate({ auth, credential, ...rest }: AuthenticateOptions): Authenticate {
  const accessOf = createAccessFactory();
  if (auth.kind === 'passthrough') {
    return (headers) => {
      const access = accessOf({ ...credential, apiKey: bearerOf(headers), adminKey: undefined }); // Which is not theirs.
      return { viewer: KEY_HOLDER, access, isValid: always };
    };
  }
  const access = accessOf(credential);
  if (auth.kind === 'none') return () => ({ viewer: ANYBODY, access, isValid: always });
  const tokens = createTokenStore({ file: auth.file, ...rest });
  return (headers) => {
    const holder = holderOf(bearerOf(headers), tokens());
    if (holder === undefined) throw unauthenticated(IN_FORCE);
    const { name, role } = holder;
    return { viewer: { name, role }, access, isValid: () => tokens().some((token) => isSame(token, holder)) };
  };
}

const always = () => true;

const IN_FORCE = 'a token that is in force';

/** What a stream says at its end when the token that it was opened with is no longer listed as it was. */
export function revokedError(): GraphQLError {
  const extensions = { code: 'UNAUTHENTICATED' satisfies ErrorCode };
  return new GraphQLError(messageOf(IN_FORCE), { extensions });
}

// The characters of a key as the configuration takes them: others are written in another way in JSON, and would escape
// the search for the key in what is answered.
const BEARER = /^Bearer +([\x21\x23-\x5b\x5d-\x7e]{1,512})$/i;

function bearerOf({ authorization = '' }: IncomingHttpHeaders): string {
  const bearer = BEARER.exec(authorization)?.[1];
  if (bearer === undefined) throw unauthenticated('Bearer and a token');
  return bearer;
}

function unauthenticated(expected: string): HttpError {
  const headers = { 'www-authenticate': 'Bearer' };
  return new HttpError(401, messageOf(expected), headers, 'UNAUTHENTICATED');
}

const messageOf = (expected: string) => `Authorization: expected ${expected}.`;
