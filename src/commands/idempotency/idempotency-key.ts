import { createHmac } from 'node:crypto';
import type { Credential } from '../../upstream/credentials/credential.ts';
import { canonicalJson } from '../../upstream/json/canonical.ts';
import type { IdempotencyMark } from '../../upstream/resources/idempotency-mark.ts';

/** Who asks for a job under a key, and for which: with what the upstream is asked, and as whom the gateway knows them. */
export interface Claim {
  readonly credential: Credential;
  readonly callerName: string | null;
  readonly key: string;
  /** The request as it is sent, but for the mark. */
  readonly request: object;
}

/**
 * The mark of a job. Another caller, or another credential, makes another one of the same key, so that theirs never meet;
 * another process makes the same. Who sees it cannot tell the key by trying, as only the credential makes such digests:
 * under a new credential every key is a new one.
 */
export function markOf({ credential, callerName, key, request }: Claim): IdempotencyMark {
  const { apiKey, organizationId = null, projectId = null } = credential;
  const digest = (...parts: readonly unknown[]) =>
    createHmac('sha256', apiKey).update(JSON.stringify(parts)).digest('base64url');
  return {
    key: digest('key', organizationId, projectId, callerName, key),
    request: digest('request', canonicalJson(request)),
  };
}
