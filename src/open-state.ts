import { hkdfSync } from 'node:crypto';
import type { Clock } from './clock.ts';
import { createMemoryState } from './state/memory/memory-state.ts';
import type { SharedState } from './state/shared-state.ts';

/** How replicas reach the state that they share. */
export interface FleetOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  /** The secret under which replicas name scopes and credentials. */
  readonly scopeSecret: Uint8Array;
}

/** Opens the state of a gateway: in memory without `fleet`. The client of Redis is loaded only for a fleet. */
export async function openState(fleet: FleetOptions | undefined, clock: Clock): Promise<SharedState> {
  if (fleet === undefined) return createMemoryState(clock);
  const { createRedisState } = await import('./state/redis/redis-state.ts');
  return createRedisState({ url: fleet.redisUrl, prefix: fleet.prefix, scopeSecret: fleet.scopeSecret, clock });
}

/**
 * Derives the secret under which replicas name scopes (HKDF, RFC 5869): equal for equal secrets and upstreams. Neither the
 * secret nor a credential can be found from a name.
 */
export function deriveScopeSecret(secret: string, upstreamName: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, upstreamName, 'finetune-gateway scope', 32));
}
