import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createCounter } from '../counter.ts';

/** A received webhook. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: { id: string; object: string; created_at: number; type: string; data: { id: string } };
}

/** A real HTTP server that receives webhooks. It responds with 200, unless `respondWith` sets another response. */
export interface Receiver extends AsyncDisposable {
  readonly url: URL;
  readonly received: Received[];
  /** Resolves when this many webhooks have arrived so far. */
  reached(count: number): Promise<void>;
  /** Sets the response to further webhooks. */
  respondWith(script: (response: ServerResponse) => void): void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const arrivals = createCounter();
  let script = (response: ServerResponse): void => void response.end();
  const server = createServer(async (request: IncomingMessage, response) => {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    received.push({ method, path: url, headers, body, event: JSON.parse(body) });
    script(response);
    arrivals.count();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/hooks?from=sandbox`),
    received,
    reached: arrivals.reached,
    respondWith(next) {
      script = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
