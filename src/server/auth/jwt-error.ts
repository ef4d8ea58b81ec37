import type { Viewer } from '../../request/viewer.ts';

/** The caller that a verified JWT names. */
export interface JwtCaller {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** The highest role that a claim is mapped to; null without any. */
  readonly role: Viewer['role'] | null;
  /** Time of day at which the token expires, with the clock tolerance, in milliseconds. */
  readonly expiresAt: number;
}

/** Thrown for a JWT that is not accepted. The message is a sentence without its point. */
export class JwtError extends Error {
  override readonly name = 'JwtError';
  /** When a retry can succeed, because the keys of the issuer cannot be read; null for an invalid token. */
  readonly retryAfterSeconds: number | null;

  constructor(message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
