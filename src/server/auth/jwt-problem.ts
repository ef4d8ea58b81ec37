import { errors } from 'jose';
import { JwtError } from './jwt-error.ts';

/** Returns the JwtError of a failed verification. Its message never quotes the token. */
export function problemOf(error: unknown): JwtError {
  if (error instanceof errors.JWTExpired) return new JwtError('the token has expired; get a new one');
  if (error instanceof errors.JWTClaimValidationFailed) return new JwtError(claimProblem(error));
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return new JwtError('the alg of the token is not accepted; expected an asymmetric one, such as RS256');
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return new JwtError('the key of the token (kid) is not one of its issuer; get a new token');
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new JwtError('the signature of the token is invalid; get a new token');
  }
  if (error instanceof errors.JOSEError) return new JwtError('the token is no valid JWT; get a new one');
  return new JwtError('the key of the token cannot be used; its issuer has to publish another one'); // Such as a short RSA key.
}

function claimProblem({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `the token has no ${claim}; it needs iss, sub, aud and exp`;
  if (claim === 'aud') return 'the token is for another audience (aud); expected one of JWT_AUDIENCE';
  if (claim === 'nbf') return 'the token is not valid yet (nbf); compare the clocks';
  return `the ${claim} of the token is invalid; get a new token`;
}
