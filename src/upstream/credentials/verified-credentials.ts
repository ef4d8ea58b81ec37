import { LRUCache } from 'lru-cache';
import { type Credential, digestOf } from './credential.ts';

/** The credentials that the upstream has accepted. Clients can send any number of invented ones. */
export interface VerifiedCredentials {
  has(credential: Credential): boolean;
  /** Records the status of a response: success verifies the credential, and 401 makes it unverified. */
  recordStatus(credential: Credential, status: number): void;
}

/** Maximum number of credentials. The least recently used one has to be accepted again. */
const MAX_CREDENTIALS = 10_000;

export function createVerifiedCredentials(): VerifiedCredentials {
  const digests = new LRUCache<string, true>({ maxSize: MAX_CREDENTIALS, sizeCalculation: () => 1 });
  return {
    has: (credential) => digests.get(digestOf(credential)) === true,
    recordStatus(credential, status) {
      if (status >= 200 && status < 300) digests.set(digestOf(credential), true);
      else if (status === 401) digests.delete(digestOf(credential));
    },
  };
}
