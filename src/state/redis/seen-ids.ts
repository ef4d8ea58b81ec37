import type { SeenIds } from '../seen-ids.ts';
import type { RedisConnection } from './connection/connection.ts';
import { reportFailure } from './connection/redis-errors.ts';
import { defineScript } from './connection/script.ts';

/** KEYS: the id. ARGV: milliseconds until it is removed. Returns 1 if it is new. */
const RECORD = defineScript('webhooks.record', "return redis.call('SET', KEYS[1], 1, 'NX', 'PX', ARGV[1]) and 1 or 0");

/** KEYS: the id. */
const FORGET = defineScript('webhooks.forget', "return redis.call('DEL', KEYS[1])");

/** Ids in the memory of all replicas. A replica that has met an id itself does not ask Redis. */
export function createRedisSeenIds(redis: RedisConnection, local: SeenIds): SeenIds {
  const nameOf = (id: string) => redis.key('webhook', id);

  async function isKnownElsewhere(id: string, ttlMs: number): Promise<boolean> {
    try {
      return (await redis.run(RECORD, [nameOf(id)], [ttlMs])) === 0;
    } catch (error) {
      reportFailure('webhooks', error);
      return false; // Redis is away. A hint twice is harmless.
    }
  }

  return {
    async record(id, ttlMs) {
      return (await local.record(id, ttlMs)) || (await isKnownElsewhere(id, ttlMs));
    },
    forget(id) {
      local.forget(id);
      redis.run(FORGET, [nameOf(id)], []).catch(() => {}); // It expires otherwise.
    },
  };
}
