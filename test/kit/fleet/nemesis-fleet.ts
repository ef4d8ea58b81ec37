import { startGateway, type TestGateway } from '../gateway/gateway.ts';
import { untilAsync } from '../until.ts';
import { type Nemesis, startNemesis } from './nemesis.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** Gateways with one Redis behind a nemesis, and one API key. */
export interface Fleet extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly nemesis: Nemesis;
  readonly replicas: readonly TestGateway[];
  /** Resolves when each replica is registered and follows the changes of the others. */
  settled(): Promise<void>;
}

/** `settings` are those of each replica. */
export async function startFleet(count: number, settings: Record<string, string>): Promise<Fleet> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const nemesis = opened.use(await startNemesis(redis.port));
  const key = `test-${crypto.randomUUID()}`;
  const all = { OPENAI_API_KEY: key, REDIS_URL: nemesis.url, ...settings };
  const replicas: TestGateway[] = [];
  for (let number = 0; number < count; number++) replicas.push(opened.use(await startGateway(all)));
  const settled = () =>
    untilAsync(async () => {
      const clients = String(await redis.client.client('LIST'));
      const members = await redis.client.zcard('finetune:members');
      return members === count && clients.split('cmd=xread').length - 1 >= count; // Those of watched jobs read, too.
    });
  await settled();
  const parts = opened.move();
  return { redis, nemesis, replicas, settled, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** The replica with this number, from 0. */
export function replicaOf({ replicas }: Pick<Fleet, 'replicas'>, number: number): TestGateway {
  const replica = replicas[number];
  if (replica === undefined) throw new Error(`There is no replica ${number}.`);
  return replica;
}
