import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Role } from '../../request/viewer.ts';

/** A listed token. The gateway stores its digest only. */
export interface Token {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token's text, 32 bytes. */
  readonly digest: Buffer;
}

/** Returns a new token of 32 random bytes: too many to guess, so that an unsalted SHA-256 protects it. */
export function generateToken(): string {
  return `fgw_${randomBytes(32).toString('base64url')}`;
}

export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** Finds the listed token with this text. Takes constant time: compares every digest, each with `timingSafeEqual`. */
export function findToken(text: string, tokens: readonly Token[]): Token | undefined {
  const digest = digestOf(text);
  let found: Token | undefined;
  for (const token of tokens) if (timingSafeEqual(token.digest, digest)) found = token;
  return found;
}

/** Whether name, role and digest are equal. Not constant-time: both tokens are listed. */
export function isSameToken(a: Token, b: Token): boolean {
  return a.name === b.name && a.role === b.role && a.digest.equals(b.digest);
}
