import type { Credential } from './credential.ts';
import { containsKeyFragment } from './key-leak.ts';

/**
 * Returns the upstream's id of a request from the headers of its response. Undefined when the header has no usual form, or
 * contains a part of the key.
 */
export function upstreamRequestIdOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  credential: Credential,
): string | undefined {
  const id = headers['x-request-id'];
  const isUsual = typeof id === 'string' && /^[\w-]{1,128}$/.test(id);
  return isUsual && !containsKeyFragment(id, credential) ? id : undefined;
}
