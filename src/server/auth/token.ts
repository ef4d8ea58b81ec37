import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role } from '../../request/viewer.ts';

/** Whom a token names. The token itself is kept by its holder only. */
export interface Token {
  readonly name: string;
  readonly role: Role;
  /** The SHA-256 of the token's text, 32 bytes. */
  readonly digest: Buffer;
}

/** A new token, of 32 random bytes: too many to be guessed, so that a plain SHA-256 hides it. */
export function makeToken(): string {
  return `fgw_${randomBytes(32).toString('base64url')}`;
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * The one whose token this is. Takes the same time for every answer: each digest is compared, whether or not one has
 * fitted before, and each in constant time.
 */
export function holderOf(token: string, tokens: readonly Token[]): Token | undefined {
  const digest = digestOf(token);
  let holder: Token | undefined;
  for (const known of tokens) if (timingSafeEqual(known.digest, digest)) holder = known;
  return holder;
}

/** Whether two tokens are the same one with the same role. No secret decides: both are listed. */
export function isSame(a: Token, b: Token): boolean {
  return a.name === b.name && a.role === b.role && a.digest.equals(b.digest);
}
