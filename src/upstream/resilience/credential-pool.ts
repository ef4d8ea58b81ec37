import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'undici';
import type { Clock } from '../../clock.ts';
import type { Credential } from '../credentials/credential.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

/** What each credential has for itself, so that its troubles are nobody else's. */
export interface CredentialPool {
  /** Names its credential without giving it away. */
  readonly name: string;
  readonly pool: Pool;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
}

export interface CredentialPools {
  /** The pool of a credential, to be used at once: one that has rested longest makes way for a new one. */
  get(credential: Credential): CredentialPool;
  /** Ends every call and closes every socket. */
  dispose(): Promise<void>;
}

/** Most pools: whoever can make up credentials could fill the memory otherwise. */
const MAX_POOLS = 1000;

export function createCredentialPools(openPool: () => Pool, clock: Clock, most = MAX_POOLS): CredentialPools {
  const openPools = new Set<Pool>(); // Evicted pools too, until their last call ends.
  const byCredential = new LRUCache<string, CredentialPool>({ max: most, dispose: ({ pool }) => void close(pool) });

  async function close(pool: Pool) {
    await pool.close();
    openPools.delete(pool);
  }

  function open(name: string): CredentialPool {
    const pool = openPool();
    openPools.add(pool);
    const credentialPool = { name, pool, breaker: createCircuitBreaker(clock), budget: createRetryBudget() };
    byCredential.set(name, credentialPool);
    return credentialPool;
  }

  return {
    get({ apiKey, organizationId = '', projectId = '' }) {
      const name = hash('sha256', JSON.stringify([apiKey, organizationId, projectId]), 'base64url');
      return byCredential.get(name) ?? open(name);
    },
    async dispose() {
      await Promise.all([...openPools].map((pool) => pool.destroy()));
    },
  };
}
