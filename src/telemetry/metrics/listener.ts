import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly scrape: () => Promise<string>;
  /** Returns why the gateway takes no traffic; null if it does. */
  readonly findProblem: () => Promise<string | null>;
}

export interface Listener {
  readonly port: number;
  dispose(): Promise<void>;
}

const MAX_CONNECTIONS = 100;
const TEXT = 'text/plain; charset=utf-8';
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves `/metrics`, `/health` and `/ready`. Rejects with Node's error when the address cannot be used. */
export async function openListener({ host, port, scrape, findProblem }: ListenerOptions): Promise<Listener> {
  const server = createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    void respond(request, response).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;

  async function respond({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type }).end(method === 'HEAD' ? undefined : body);
    };
    const sendReadiness = (problem: string | null) =>
      problem === null ? send(200, TEXT, 'ready\n') : send(503, TEXT, `not ready: ${problem}\n`);
    if (method !== 'GET' && method !== 'HEAD') return send(405, TEXT, 'Method: expected GET.\n');
    switch (url.split('?')[0]) {
      case '/metrics':
        return send(200, PROMETHEUS, await scrape());
      case '/health':
        return send(200, TEXT, 'alive\n');
      case '/ready':
        return sendReadiness(await findProblem());
      default:
        return send(404, TEXT, 'Path: expected /metrics, /health or /ready.\n');
    }
  }

  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  server.unref(); // It does not keep a stopping gateway alive.
  return {
    port: (server.address() as AddressInfo).port, // The address of a TCP server.
    async dispose() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
