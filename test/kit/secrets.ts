import { SHORTEST_KEY } from '../../src/upstream/credential.ts';

/** Throws when one of the texts has one of the secrets in it, whole. What is too short to be a secret is none. */
export function assertNoSecrets(secrets: readonly string[], texts: readonly string[]): void {
  for (const secret of secrets.filter(({ length }) => length >= SHORTEST_KEY)) {
    const leak = texts.find((text) => text.includes(secret));
    if (leak !== undefined) throw new Error(`a secret stands in: ${leak.replaceAll(secret, '[secret]')}`);
  }
}
