import { createHmac } from 'node:crypto';
import type { Credential } from '../../upstream/credentials/credential.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';

/** The use of an idempotency key by a caller for a request. */
export interface Claim {
  readonly credential: Credential;
  readonly callerName: string | null;
  readonly key: string;
  /** The upstream request without the mark. */
  readonly request: object;
}

/**
 * Returns the mark of a claim: HMACs under the API key. Callers and credentials have separate keys; all processes compute
 * the same mark. A reader of the mark cannot guess the key without the credential. A new credential makes all keys new.
 */
export function deriveMark({ credential, callerName, key, request }: Claim): IdempotencyMark {
  const { apiKey, organizationId = null, projectId = null } = credential;
  const digest = (...parts: readonly unknown[]) =>
    createHmac('sha256', apiKey).update(JSON.stringify(parts)).digest('base64url');
  return {
    key: digest('key', organizationId, projectId, callerName, key),
    request: digest('request', canonicalJson(request)),
  };
}
