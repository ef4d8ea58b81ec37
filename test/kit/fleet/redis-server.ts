import type { ChildProcess } from 'node:child_process';
import { Redis } from 'ioredis';
import { makeFolder } from '../process/folder.ts';
import { freePort } from '../process/free-port.ts';
import { killRedis, spawnRedis } from './redis-process.ts';

export { redisProgram } from './redis-process.ts';

/** A Redis of the test, on a port of its own, which it keeps over restarts. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** A client of the test. */
  readonly client: Redis;
  start(): Promise<void>;
  /** Kills the server, as `kill -9` does. */
  kill(): Promise<void>;
  /** Stops (SIGSTOP) and continues (SIGCONT) the server. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

/** Starts a server without persistence, or with a log that is written after each command. `args` are further options. */
export async function startRedis({ isPersistent = false, args = [] as readonly string[] } = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = makeFolder({});
  const persistence = isPersistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const options = ['--dir', folder, ...persistence, ...args];
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => 20 });
  client.on('error', () => {}); // Tests kill the server.
  let child: ChildProcess | null = null;

  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    async start() {
      child = await spawnRedis(port, options);
    },
    async kill() {
      if (child !== null) await killRedis(child);
      child = null;
    },
    signal: (name) => void child?.kill(name),
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await server.kill();
    },
  };
  await server.start();
  return server;
}
