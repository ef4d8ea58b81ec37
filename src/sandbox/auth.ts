import { createHash, timingSafeEqual } from 'node:crypto';
import { incorrectKey, missingKey } from './errors.ts';

/** Throws a Refusal unless the header `Authorization` carries the expected key; undefined expects just any key. */
export function checkKey(authorization: string | undefined, expected: string | undefined): void {
  const key = /^Bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) throw missingKey();
  if (expected !== undefined && !timingSafeEqual(digest(key), digest(expected))) throw incorrectKey();
}

// Of equal length whatever was sent, as a comparison in constant time needs it.
const digest = (text: string) => createHash('sha256').update(text).digest();
