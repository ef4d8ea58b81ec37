import type { Credential } from './credential.ts';

/** The keys of a credential that can change while the gateway runs. */
export type Keys = Partial<Pick<Credential, 'apiKey' | 'adminKey'>>;

/** The gateway's own credential. Its keys are replaced when their files change. */
export interface CredentialSource {
  /** The same object until a key is replaced. */
  readonly current: Credential;
  /** Uses these keys from now on. Calls in progress keep the previous ones. */
  replace(keys: Keys): void;
}

/** Maximum number of earlier API keys that are known, to find the jobs that were created with them. */
const MAX_EARLIER_KEYS = 3;

export function createCredentialSource(initial: Credential): CredentialSource {
  let current = initial;
  return {
    get current() {
      return current;
    },
    replace(keys) {
      const { apiKey, earlierKeys = [] } = current;
      const earlier = [apiKey, ...earlierKeys].filter((key) => key !== (keys.apiKey ?? apiKey));
      current = { ...current, ...keys, earlierKeys: earlier.slice(0, MAX_EARLIER_KEYS) };
    },
  };
}
