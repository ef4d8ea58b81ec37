import type { WebSockets, WebSocketsOptions } from './transports/ws.ts';

/** Creates the server of WebSockets at the first upgrade: a start without one loads 35 files less. */
export function createLazyWebSockets(options: WebSocketsOptions): WebSockets {
  let server: WebSockets | undefined;

  async function load(): Promise<WebSockets> {
    const { createWebSockets } = await import('./transports/ws.ts');
    server ??= createWebSockets(options); // Upgrades that arrive together load it once.
    return server;
  }

  return {
    open(request, connection, head, remote) {
      if (server) return server.open(request, connection, head, remote);
      const ignore = () => {}; // Without a listener, an error of the socket would end the process.
      connection.on('error', ignore);
      void load().then((loaded) => {
        connection.off('error', ignore);
        if (!connection.destroyed) loaded.open(request, connection, head, remote);
      });
    },
    terminateAll: () => server?.terminateAll(),
  };
}
