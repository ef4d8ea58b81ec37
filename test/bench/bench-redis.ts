import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { killRedis, spawnRedis } from '../kit/fleet/redis-process.ts';
import { freePort } from '../kit/process/free-port.ts';

/** Starts a Redis without persistence, and a client of the benchmark. They end with the stack. */
export async function startBenchRedis(opened: AsyncDisposableStack): Promise<{ url: string; client: Redis }> {
  const folder = await mkdtemp(join(tmpdir(), 'finetune-bench-'));
  opened.defer(() => rm(folder, { recursive: true }));
  const port = await freePort();
  const server = await spawnRedis(port, ['--dir', folder, '--appendonly', 'no']);
  opened.defer(() => killRedis(server));
  const client = new Redis({ host: '127.0.0.1', port });
  opened.defer(() => client.disconnect());
  return { url: `redis://127.0.0.1:${port}`, client };
}
