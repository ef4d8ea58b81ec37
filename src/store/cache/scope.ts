import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from '../../upstream/credentials/credential.ts';

/** Whose view of the upstream something is. Values of different scopes never meet, in flight or kept. */
export interface Access {
  readonly credential: Credential;
  /** Names the scope without giving the credential away. */
  readonly scope: string;
}

/** Gives each combination of key, organisation and project a scope of its own, by an HMAC that only this process can make. */
export function createAccessFactory(): (credential: Credential) => Access {
  const secret = randomBytes(32);
  return (credential) => {
    const { apiKey, organizationId = '', projectId = '' } = credential;
    const identity = JSON.stringify([apiKey, organizationId, projectId]);
    return { credential, scope: createHmac('sha256', secret).update(identity).digest('base64url') };
  };
}
