import { type RedisServer, startRedis } from './redis-server.ts';

/** Starts a Redis in which replicas have met for long: they need not wait for others to tell of a loss of data. */
export async function startOldRedis(prefix = 'finetune'): Promise<RedisServer> {
  const redis = await startRedis();
  const run = /^run_id:(\w+)/m.exec(await redis.client.info('server'))?.[1] ?? '';
  await redis.client.hset(`${prefix}:epoch`, { run, epoch: '1.0' });
  return redis;
}
