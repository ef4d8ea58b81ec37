import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import type { OutgoingPool } from '../../network/undici.ts';
import { type Credential, digestOf, headersOf, type KeyHeader } from '../credentials/credential.ts';
import { type CallPermits, createCallPermits } from './call-permits.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

/** The connections, circuit breaker and retry budget of one credential, so that its failures do not affect others. */
export interface CredentialPool {
  /** A digest of the credential. */
  readonly name: string;
  /** The headers of every request: names and values in turn. */
  readonly headers: string[];
  readonly pool: OutgoingPool;
  /** One per socket, so that callers take turns. */
  readonly permits: CallPermits;
  readonly breaker: CircuitBreaker;
  readonly budget: RetryBudget;
  /** Whether the upstream has accepted the credential. */
  readonly isVerified: boolean;
  isEvicted: boolean;
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

export interface CredentialPoolOptions {
  readonly openPool: () => OutgoingPool;
  readonly connections: number;
  readonly clock: Clock;
  readonly keyHeader?: KeyHeader;
  /** Default: true. */
  readonly isVerified?: boolean;
  readonly maxPools?: number;
}

/** Maximum pools: a client that invents credentials must not fill the memory. */
const MAX_POOLS = 1000;

const COMMON_HEADERS = { accept: 'application/json', 'user-agent': 'finetune-gateway' };

export function createCredentialPools(options: CredentialPoolOptions): CredentialPools {
  const {
    openPool,
    connections,
    clock,
    keyHeader = 'authorization',
    isVerified = true,
    maxPools = MAX_POOLS,
  } = options;
  const openPools = new Set<OutgoingPool>(); // Includes evicted pools until their last call ends.
  const byDigest = new LRUCache<string, CredentialPool>({ max: maxPools, dispose: evict });
  /** The pools by credential objects, to save the digest and the search. They can be evicted. */
  const byCredential = new WeakMap<Credential, CredentialPool>();
  let latest: CredentialPool | null = null;

  function evict(evicted: CredentialPool) {
    evicted.isEvicted = true;
    evicted.breaker.dispose();
    void close(evicted.pool);
  }

  async function close(pool: OutgoingPool) {
    if (!pool.destroyed) await pool.close(); // Calls that `dispose` ends can still evict a pool.
    openPools.delete(pool);
  }

  function open(name: string, credential: Credential): CredentialPool {
    const pool = openPool();
    openPools.add(pool);
    const opened = {
      name,
      headers: Object.entries({ ...COMMON_HEADERS, ...headersOf(credential, keyHeader) }).flat(),
      pool,
      permits: createCallPermits(connections),
      breaker: createCircuitBreaker(clock),
      budget: createRetryBudget(),
      isVerified,
      isEvicted: false,
    };
    byDigest.set(name, opened);
    return opened;
  }

  function find(credential: Credential): CredentialPool {
    const name = digestOf(credential);
    const found = byDigest.get(name) ?? open(name, credential);
    byCredential.set(credential, found);
    return found;
  }

  /** Makes the pool the most recently used one. */
  function touch(known: CredentialPool): CredentialPool {
    byDigest.get(known.name);
    return known;
  }

  return {
    get(credential) {
      const known = byCredential.get(credential);
      if (known !== undefined && known === latest && !known.isEvicted) return known;
      latest = known === undefined || known.isEvicted ? find(credential) : touch(known);
      return latest;
    },
    async dispose() {
      await Promise.all([...openPools].map((pool) => pool.destroy()));
    },
  };
}
