import { createMemorySeenIds } from '../memory/seen-ids.ts';
import type { SharedState } from '../shared-state.ts';
import { createRedisBudget } from './budget/upstream-budget.ts';
import { openRedis, type RedisOptions } from './connection/connection.ts';
import { createLogReader } from './connection/log-reader.ts';
import { createRedisDailyCounts } from './counts/daily-counts.ts';
import { createRedisOpenCounts } from './counts/open-counts.ts';
import { createRedisPoints } from './counts/points.ts';
import { createRedisInvalidations } from './invalidations.ts';
import { createRedisLedger } from './ledger.ts';
import { createRedisSeenIds } from './seen-ids.ts';
import { createRedisWatch } from './watch/watch.ts';

const NOT_REACHED = 'Redis has not answered yet (REDIS_URL)';

export interface RedisStateOptions extends RedisOptions {
  /** The secret under which replicas name scopes and credentials. */
  readonly scopeSecret: Uint8Array;
}

/** The state that replicas share through Redis. This module loads the client. */
export function createRedisState(options: RedisStateOptions): SharedState {
  const redis = openRedis(options);
  const dailyCounts = createRedisDailyCounts(redis, options.clock);
  const subscriptions = createRedisOpenCounts(redis, 'subscriptions', options.clock);
  const ledger = createRedisLedger(redis, options.clock);
  const reader = createLogReader(redis, options.clock);
  const watch = createRedisWatch(redis, reader, options.clock);
  return {
    get isAvailable() {
      return redis.isAvailable;
    },
    get replicas() {
      return redis.replicas;
    },
    dailyCounts,
    points: createRedisPoints(redis),
    subscriptions,
    ledger,
    watch,
    webhookIds: createRedisSeenIds(redis, createMemorySeenIds(options.clock)),
    invalidations: createRedisInvalidations(redis, reader, options.clock),
    budget: createRedisBudget(redis, options.scopeSecret, options.clock),
    replaceUrl: redis.replaceUrl,
    findProblem: () => (redis.hasBeenAvailable ? null : NOT_REACHED),
    async dispose() {
      reader.dispose();
      subscriptions.dispose();
      ledger[Symbol.dispose]();
      await dailyCounts.dispose();
      await redis.dispose();
    },
  };
}
