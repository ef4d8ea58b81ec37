import { HttpError } from '../http/http-error.ts';

/** 401. `challenge` has the parameters of WWW-Authenticate (RFC 6750 3). */
export function unauthenticated(message: string, challenge = ''): HttpError {
  return new HttpError(401, message, { 'www-authenticate': `Bearer${challenge}` }, 'UNAUTHENTICATED');
}
