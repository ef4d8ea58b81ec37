import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { exchange } from '../client/raw-http.ts';
import { createCounter } from '../counter.ts';

/** The connections of a gateway in this process, as its HTTP server counts them. */
export interface ConnectionCount {
  current(): Promise<number>;
  /** Resolves after this number of new connections. */
  arrived(count: number): Promise<void>;
  /** Resolves when at most `max` are open. */
  droppedTo(max: number): Promise<void>;
}

/** Finds the server of a URL and counts its connections from then on. Call it before the first connection. */
export async function countConnections(url: string): Promise<ConnectionCount> {
  const server = await serverOf(url);
  const arrivals = createCounter();
  server.on('connection', arrivals.count);
  const current = () =>
    new Promise<number>((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
  return {
    current,
    arrived: arrivals.reached,
    async droppedTo(max) {
      while ((await current()) > max) await setImmediate(); // The connection of `serverOf` can end last, unobserved.
      for (let turn = 0; turn < 5; turn++) await setImmediate(); // Node counts a connection down before its event `close`.
    },
  };
}

async function serverOf(url: string): Promise<Server> {
  const path = `/${crypto.randomUUID()}`;
  const found = Promise.withResolvers<Server>();
  const onRequest = (message: unknown) => {
    const { request, server } = message as { request: { url?: string }; server: Server }; // As documented by Node.
    if (request.url === path) found.resolve(server);
  };
  subscribe('http.server.request.start', onRequest);
  await exchange(url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  unsubscribe('http.server.request.start', onRequest);
  return await found.promise;
}
