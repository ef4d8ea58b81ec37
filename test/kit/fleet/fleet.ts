import { get } from 'node:http';
import { freePort } from '../process/free-port.ts';
import { type GatewayProcess, startGatewayProcess } from '../process/gateway-process.ts';
import { untilAsync } from '../until.ts';

/** Replicas as processes of their own, on one Redis. */
export interface Fleet extends AsyncDisposable {
  /** The URLs of the replicas, which they keep over restarts. */
  readonly urls: readonly string[];
  readonly replicas: readonly GatewayProcess[];
  /** Starts a replica again that has ended. */
  start(index: number): Promise<void>;
  /** Stops the replica, and starts it again. Resolves when it is ready. */
  restart(index: number): Promise<void>;
}

/** `settings` are those of all replicas. `redisUrl`: that of all, or of each. */
export async function startFleet(
  upstreamUrl: string,
  redisUrl: string | readonly string[],
  settings: Record<string, string> = {},
  count = 3,
): Promise<Fleet> {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const start = (index: number) => {
    const REDIS_URL = (typeof redisUrl === 'string' ? redisUrl : redisUrl[index]) ?? '';
    return startGatewayProcess(upstreamUrl, { REDIS_URL, ...settings, PORT: String(ports[index]) });
  };
  const replicas = await Promise.all(ports.map((_, index) => start(index)));
  return {
    urls: replicas.map(({ url }) => url),
    replicas,
    async start(index) {
      replicas[index] = await start(index);
    },
    async restart(index) {
      replicas[index]?.signal('SIGTERM');
      await replicas[index]?.ended;
      replicas[index] = await start(index);
      await untilAsync(() => isReady(replicas[index]?.url));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(replicas.map((replica) => replica[Symbol.asyncDispose]()));
    },
  };
}

/** Asks on a connection of its own: an idle one would delay the stop of the replica. */
function isReady(url = ''): Promise<boolean> {
  return new Promise((resolve, reject) => {
    get(new URL('/ready', url), { agent: false }, (response) => resolve(response.resume().statusCode === 200)).on(
      'error',
      reject,
    );
  });
}
