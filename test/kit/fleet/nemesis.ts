import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Passes bytes between replicas and Redis, until told otherwise. `pass`: all of them. `hold`: none, in both directions, while
 * connections stay open, as in a network that loses packets; they arrive later. `refuse`: closes all connections, and each
 * new one.
 */
export type NemesisMode = 'pass' | 'hold' | 'refuse';

export interface Nemesis extends AsyncDisposable {
  /** The URL of Redis through it. */
  readonly url: string;
  mode: NemesisMode;
}

export async function startNemesis(redisPort: number): Promise<Nemesis> {
  const sockets = new Set<Socket>();
  let mode: NemesisMode = 'pass';
  const track = (socket: Socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()));
    if (mode === 'hold') socket.pause();
    return socket;
  };
  const server = createServer((client) => {
    if (mode === 'refuse') return void client.destroy();
    const redis = track(connect(redisPort, '127.0.0.1'));
    track(client);
    // Not `pipe`, which resumes a paused socket.
    client.on('data', (bytes) => redis.write(bytes)).on('close', () => redis.destroy());
    redis.on('data', (bytes) => client.write(bytes)).on('close', () => client.destroy());
    if (mode === 'hold') for (const socket of [client, redis]) socket.pause();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // A TCP server has such an address.
  return {
    url: `redis://127.0.0.1:${port}`,
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
      for (const socket of sockets) {
        if (next === 'refuse') socket.destroy();
        else if (next === 'hold') socket.pause();
        else socket.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
