import type { Clock } from '../../clock.ts';
import type { Identity } from '../../request/context.ts';
import type { Access } from '../../store/cache/scope.ts';
import { HttpError } from '../http/http-error.ts';
import { unauthenticated } from './auth-error.ts';
import type { TokenSource } from './connection-token.ts';
import { identityOf } from './identity.ts';
import { type JwtCaller, JwtError } from './jwt-error.ts';
import type { JwtVerifier } from './jwt-verifier.ts';

/** Whether a text is meant to be a JWT: three parts, the first one JSON in base64url (RFC 7515 3.1). */
export const looksLikeJwt = (text: string): boolean => /^eyJ[^.]*\.[^.]*\.[^.]*$/.test(text);

/**
 * Creates a function that returns the identity of a JWT; a promise while it is verified. Throws an HttpError: 401 for an invalid
 * token, 403 for one without a role, 503 while the keys of its issuer cannot be read.
 */
export function createJwtIdentity(jwt: JwtVerifier, accessNow: () => Access, clock: Clock) {
  function toIdentity({ issuer, subject, name, role, expiresAt }: JwtCaller, source: TokenSource): Identity {
    if (role === null) throw new HttpError(403, `${source}: ${NO_ROLE}`, NO_ROLE_CHALLENGE, 'FORBIDDEN');
    const isValid = () => clock.timeOfDay() < expiresAt;
    // Brackets: no name in a token file has them. Two issuers never share a caller.
    const callerId = JSON.stringify([issuer, subject]);
    return identityOf({ viewer: { name, role }, callerId, expiresAt, isValid }, accessNow);
  }

  return (text: string, source: TokenSource): Identity | Promise<Identity> => {
    const caller = jwt.verify(text);
    if (!(caller instanceof Promise)) return toIdentity(caller, source);
    return caller.then(
      (verified) => toIdentity(verified, source),
      (error: unknown) => {
        throw error instanceof JwtError ? httpErrorOf(error, source) : error;
      },
    );
  };
}

// The close reason of a WebSocket has 123 bytes, of which the longest source takes 40.
const NO_ROLE = 'the token has no role in this gateway (JWT_ROLES); ask its operator for one.';
const NO_ROLE_CHALLENGE = { 'www-authenticate': 'Bearer error="insufficient_scope"' };

function httpErrorOf({ message, retryAfterSeconds }: JwtError, source: TokenSource): HttpError {
  if (retryAfterSeconds === null) return unauthenticated(`${source}: ${message}.`, ' error="invalid_token"');
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new HttpError(503, `${source}: ${message}.`, headers, 'AUTHENTICATION_UNAVAILABLE');
}
