import { hash } from 'node:crypto';
import { NoAdminKey } from '../errors/upstream-error.ts';
import { isNumber } from '../json/number.ts';

/** The identity with which the upstream is called. */
export interface Credential {
  readonly apiKey: string;
  readonly organizationId?: string | undefined;
  readonly projectId?: string | undefined;
  /** The key of an administrator. Sent only with calls that need one. */
  readonly adminKey?: string | undefined;
  /** API keys of the same account that this one has replaced, the latest first. Never sent. */
  readonly earlierKeys?: readonly string[];
}

/** The header that carries the key: `Authorization: Bearer`, or Azure's `api-key`. */
export type KeyHeader = 'authorization' | 'api-key';

/** Minimum characters of a secret. A shorter key is a placeholder for a server without keys: redaction would mangle text. */
export const MIN_KEY_LENGTH = 8;

/** Whether a key is a number in JSON: a response may contain it without quotes, where redaction does not find it. */
export const isUnredactable = (key: string): boolean => key.length >= MIN_KEY_LENGTH && isNumber(key);

/** Returns a digest of a credential, as a key for what is known about its account. The admin key is not part of it. */
export function digestOf(credential: Credential): string {
  const known = digests.get(credential);
  if (known !== undefined) return known;
  const { apiKey, organizationId = '', projectId = '' } = credential;
  const digest = hash('sha256', JSON.stringify([apiKey, organizationId, projectId]), 'base64url');
  digests.set(credential, digest);
  return digest;
}

const digests = new WeakMap<Credential, string>();

/**
 * Returns the credential with the admin key in place of the API key. The API key takes the place of the admin key, so that both
 * are redacted. Throws NoAdminKey when there is no admin key. Returns the same object for the same credential: what is known
 * about it is found by the object.
 */
export function adminCredentialOf(credential: Credential): Credential {
  const known = adminCredentials.get(credential);
  if (known !== undefined) return known;
  const { apiKey, adminKey } = credential;
  if (adminKey === undefined) throw new NoAdminKey();
  const admin = { ...credential, apiKey: adminKey, adminKey: apiKey };
  adminCredentials.set(credential, admin);
  return admin;
}

const adminCredentials = new WeakMap<Credential, Credential>();

/** Returns the headers that authenticate a call. */
export function headersOf(
  { apiKey, organizationId, projectId }: Credential,
  keyHeader: KeyHeader,
): Record<string, string> {
  return {
    [keyHeader]: keyHeader === 'api-key' ? apiKey : `Bearer ${apiKey}`,
    ...(organizationId !== undefined && { 'openai-organization': organizationId }),
    ...(projectId !== undefined && { 'openai-project': projectId }),
  };
}

/** Returns both keys, as an upstream may echo one that was sent with another call. Placeholders are left out. */
export const secretsOf = ({ apiKey, adminKey = '' }: Credential): readonly string[] =>
  [apiKey, adminKey].filter(({ length }) => length >= MIN_KEY_LENGTH);
