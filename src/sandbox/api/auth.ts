import { createHash, timingSafeEqual } from 'node:crypto';
import { incorrectKey, missingKey, noPermission } from './api-error.ts';

/** What opens which door. */
export interface Keys {
  /** For all but the permissions of checkpoints; undefined lets any key in that is not empty. */
  readonly apiKey: string | undefined;
  /** For the permissions of checkpoints, and for nothing else. */
  readonly adminKey: string;
}

/** Throws a Refusal unless the header `Authorization` carries the key that this path wants. */
export function checkAccess(path: string, authorization: string | undefined, { apiKey, adminKey }: Keys): void {
  const isAdminPath = /\/fine_tuning\/checkpoints\//.test(path);
  if (isAdminPath && isSame(readKey(authorization), adminKey)) return;
  checkKey(authorization, apiKey);
  if (isAdminPath) throw noPermission(); // A good key, of the other kind.
}

/** Throws a Refusal unless the header carries the expected key; undefined expects just any key. */
function checkKey(authorization: string | undefined, expected: string | undefined): void {
  const key = readKey(authorization);
  if (expected !== undefined && !isSame(key, expected)) throw incorrectKey();
}

function readKey(authorization: string | undefined): string {
  const key = /^Bearer +(\S.*)$/i.exec(authorization ?? '')?.[1];
  if (key === undefined) throw missingKey();
  return key;
}

const isSame = (key: string, expected: string) => timingSafeEqual(digest(key), digest(expected));

// Of equal length whatever was sent, as a comparison in constant time needs it.
const digest = (text: string) => createHash('sha256').update(text).digest();
