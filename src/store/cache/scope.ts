import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from '../../upstream/credentials/credential.ts';

/** A credential and its cache scope. Scopes share neither cached entries nor reads in flight. */
export interface Access {
  readonly credential: Credential;
  /** The cache partition of the credential. Does not reveal the credential. */
  readonly scope: string;
}

/** A thing with a scope. */
export type Scoped = Pick<Access, 'scope'>;

/**
 * Assigns a scope to each combination of key, organization and project: an HMAC under the secret, which is by default one of
 * this process.
 */
export function createAccessFactory(secret: Uint8Array = randomBytes(32)): (credential: Credential) => Access {
  return (credential) => {
    const { apiKey, organizationId = '', projectId = '' } = credential;
    const identity = JSON.stringify([apiKey, organizationId, projectId]);
    return { credential, scope: createHmac('sha256', secret).update(identity).digest('base64url') };
  };
}
