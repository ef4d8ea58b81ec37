import { createHash, timingSafeEqual } from 'node:crypto';
import { incorrectKey, insufficientPermissions, missingKey } from './api-error.ts';

/** The keys that the sandbox accepts. */
export interface Keys {
  /** For all endpoints except checkpoint permissions; undefined accepts any key that is not empty. */
  readonly apiKey: string | undefined;
  /** For checkpoint permissions only. */
  readonly adminKey: string;
}

/** Throws ApiError unless the header `Authorization` has the key that this path requires. */
export function checkAccess(path: string, authorization: string | undefined, { apiKey, adminKey }: Keys): void {
  const isAdminPath = /\/fine_tuning\/checkpoints\//.test(path);
  if (isAdminPath && isSame(readKey(authorization), adminKey)) return;
  checkKey(authorization, apiKey);
  if (isAdminPath) throw insufficientPermissions(); // A valid key, but not the admin key.
}

/** Throws ApiError unless the header has the expected key; undefined expects any key. */
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

// timingSafeEqual needs inputs of equal length.
const digest = (text: string) => createHash('sha256').update(text).digest();
