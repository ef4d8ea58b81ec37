import { LRUCache } from 'lru-cache';
import type { Pool } from 'undici';
import type { Clock } from '../../clock.ts';
import { type Credential, digestOf } from '../credentials/credential.ts';
import { type CallPermits, createCallPermits } from './call-permits.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

/** The connections, circuit breaker and retry budget of one credential, so that its failures do not affect others. */
export interface CredentialPool {
  /** A digest of the credential. */
  readonly name: string;
  readonly pool: Pool;
  /** One per socket, so that callers take turns. */
  readonly permits: CallPermits;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
}

export interface CredentialPools {
  /**
   * Returns the pool of a credential. Callers must not store it: above MAX_POOLS, the least recently used pool is closed once
   * its calls have ended.
   */
  get(credential: Credential): CredentialPool;
  /** Ends every call and closes every socket. */
  dispose(): Promise<void>;
}

/** Maximum pools: a client that invents credentials must not fill the memory. */
const MAX_POOLS = 1000;

export function createCredentialPools(
  openPool: () => Pool,
  connections: number,
  clock: Clock,
  maxPools = MAX_POOLS,
): CredentialPools {
  const openPools = new Set<Pool>(); // Includes evicted pools until their last call ends.
  const byCredential = new LRUCache<string, CredentialPool>({ max: maxPools, dispose: ({ pool }) => void close(pool) });

  async function close(pool: Pool) {
    if (!pool.destroyed) await pool.close(); // Calls that `dispose` ends can still evict a pool.
    openPools.delete(pool);
  }

  function open(name: string): CredentialPool {
    const pool = openPool();
    openPools.add(pool);
    const permits = createCallPermits(connections);
    const credentialPool = { name, pool, permits, breaker: createCircuitBreaker(clock), budget: createRetryBudget() };
    byCredential.set(name, credentialPool);
    return credentialPool;
  }

  return {
    get(credential) {
      const name = digestOf(credential);
      return byCredential.get(name) ?? open(name);
    },
    async dispose() {
      await Promise.all([...openPools].map((pool) => pool.destroy()));
    },
  };
}
