import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Network } from '../network/network.ts';
import { createKeySetClient } from '../server/auth/key-set-client.ts';

/** Reads the keys of each issuer of JWTs once. Prints a line for each. Resolves to whether all issuers have keys. */
export async function checkIssuers(
  auth: Config['auth'],
  network: Network,
  clock: Clock,
  print: (line: string) => void,
): Promise<boolean> {
  if (auth.kind !== 'tokens' || auth.jwt === undefined) return true;
  await using opened = new AsyncDisposableStack();
  const client = createKeySetClient(auth.jwt, network, clock);
  opened.defer(() => client.dispose());
  let hasKeys = true;
  print('Issuers of JWTs:');
  for (const issuer of auth.jwt.issuers) {
    const startedAt = clock.now();
    try {
      const { keys } = await client.read(issuer);
      const { length } = keys.filter(({ kty, use }) => kty !== 'oct' && use !== 'enc');
      hasKeys &&= length > 0;
      const noun = length === 1 ? 'key' : 'keys';
      print(`  ${issuer} has ${length} ${noun} for signatures, read after ${clock.now() - startedAt} ms.`);
    } catch (error) {
      hasKeys = false;
      print(`  ${issuer} failed after ${clock.now() - startedAt} ms: ${Object(error).message}. ${ADVICE}`);
    }
  }
  return hasKeys;
}

const ADVICE = 'Check JWT_ISSUERS and JWT_JWKS_URL, and that this machine reaches the URL.';
