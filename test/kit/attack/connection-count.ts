import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { exchange } from '../client/raw-http.ts';
import { createCounter } from '../counter.ts';

/** The connections of a gateway in this process, as its own server counts them. */
export interface Lobby {
  count(): Promise<number>;
  /** Resolves when so many more connections have come in since the lobby was opened. */
  arrived(count: number): Promise<void>;
  /** Resolves when there are at most so many. */
  emptied(most?: number): Promise<void>;
}

/** Finds the server behind a URL. From then on its connections are watched; call it before there are any. */
export async function openLobby(url: string): Promise<Lobby> {
  const server = await serverOf(url);
  const arrivals = createCounter();
  let changed = Promise.withResolvers<void>();
  server.on('connection', (socket: Socket) => {
    arrivals.count();
    socket.on('close', () => {
      changed.resolve();
      changed = Promise.withResolvers();
    });
  });
  const count = () =>
    new Promise<number>((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
  return {
    count,
    arrived: arrivals.reached,
    async emptied(most = 0) {
      for (let change = changed.promise; (await count()) > most; change = changed.promise) await change;
    },
  };
}

async function serverOf(url: string): Promise<Server> {
  const path = `/${crypto.randomUUID()}`;
  const found = Promise.withResolvers<Server>();
  const onRequest = (message: unknown) => {
    const { request, server } = message as { request: { url?: string }; server: Server }; // Node's documented form.
    if (request.url === path) found.resolve(server);
  };
  subscribe('http.server.request.start', onRequest);
  await exchange(url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  unsubscribe('http.server.request.start', onRequest);
  return await found.promise;
}
