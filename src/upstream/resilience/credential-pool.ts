import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from 'undici';
import type { Clock } from '../../clock.ts';
import type { Credential } from '../credentials/credential.ts';
import { type Breaker, createBreaker } from './circuit-breaker.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

/** What each credential has for itself, so that its troubles are nobody else's. */
export interface Lane {
  /** Names its credential without giving it away. */
  readonly name: string;
  readonly pool: Pool;
  readonly breaker: Breaker;
  readonly budget: RetryBudget;
}

export interface Lanes {
  /** The lane of a credential, to be used at once: one that has rested longest makes way for a new one. */
  of(credential: Credential): Lane;
  /** Ends every call and closes every socket. */
  dispose(): Promise<void>;
}

/** Most lanes: whoever can make up credentials could fill the memory otherwise. */
const MAX_POOLS = 1000;

export function createLanes(openPool: () => Pool, clock: Clock, most = MAX_POOLS): Lanes {
  const pools = new Set<Pool>(); // Those too whose lane is gone, while calls are under way on them.
  const lanes = new LRUCache<string, Lane>({ max: most, dispose: ({ pool }) => void close(pool) });

  async function close(pool: Pool) {
    await pool.close();
    pools.delete(pool);
  }

  function open(name: string): Lane {
    const pool = openPool();
    pools.add(pool);
    const lane = { name, pool, breaker: createBreaker(clock), budget: createRetryBudget() };
    lanes.set(name, lane);
    return lane;
  }

  return {
    of({ apiKey, organizationId = '', projectId = '' }) {
      const name = hash('sha256', JSON.stringify([apiKey, organizationId, projectId]), 'base64url');
      return lanes.get(name) ?? open(name);
    },
    async dispose() {
      await Promise.all([...pools].map((pool) => pool.destroy()));
    },
  };
}
