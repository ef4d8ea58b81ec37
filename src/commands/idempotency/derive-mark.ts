import { createHmac } from 'node:crypto';
import type { Credential } from '../../upstream/credentials/credential.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';

/** An idempotency key, with the caller and the request that use it. */
export interface Claim {
  readonly credential: Credential;
  readonly callerId: string | null;
  readonly key: string;
  /** The upstream request without the mark. */
  readonly request: object;
}

/**
 * Returns the mark of a claim: HMACs under the API key. Equal keys of two callers or credentials have different marks; all
 * processes compute the same mark. Without the API key, the idempotency key cannot be guessed from the mark.
 */
export function deriveMark({ credential, callerId, key, request }: Claim): IdempotencyMark {
  const { apiKey, organizationId = null, projectId = null } = credential;
  const digest = (...parts: readonly unknown[]) =>
    createHmac('sha256', apiKey).update(JSON.stringify(parts)).digest('base64url');
  return {
    key: digest('key', organizationId, projectId, callerId, key),
    request: digest('request', canonicalJson(request)),
  };
}

/** Returns the marks that the claim had under the API keys that the current one has replaced. */
export function earlierMarks(claim: Claim): readonly IdempotencyMark[] {
  const { earlierKeys = [] } = claim.credential;
  return earlierKeys.map((apiKey) => deriveMark({ ...claim, credential: { ...claim.credential, apiKey } }));
}
