import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// Common to the simulated upstreams, each a program of its own: they listen, count calls and receive commands.

/** A message of the bench to a simulated upstream. By default the reply is the number of requests so far. */
export interface UpstreamCommand {
  /** Delay of all further responses, in milliseconds. */
  readonly latencyMs?: number;
}

export const PREFIX = '/v1';

/**
 * Serves the body that `respond` returns for a request target below the prefix; null is a 404. Prints its URL on standard
 * error. `onCommand` may return a reply to a message.
 */
export function serve(
  respond: (target: string) => Buffer | null,
  onCommand: (message: object) => unknown = () => {},
): void {
  let calls = 0;
  let latencyMs = 0;
  process.on('message', (message: UpstreamCommand | string) => {
    if (typeof message === 'string') return; // For the meter.
    latencyMs = message.latencyMs ?? latencyMs;
    process.send?.(onCommand(message) ?? calls);
  });
  const server = createServer({ keepAliveTimeout: 60_000 }, ({ url = '' }, response) => {
    calls++;
    const send = () => {
      const body = respond(url.slice(PREFIX.length));
      const headers = { 'content-type': 'application/json', 'content-length': body?.length ?? 0 };
      response.writeHead(body ? 200 : 404, headers).end(body ?? '');
    };
    if (latencyMs > 0) setTimeout(send, latencyMs);
    else send();
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo; // Of TCP.
    process.stderr.write(`http://127.0.0.1:${port}${PREFIX}\n`);
  });
}

export const toBody = (value: object | undefined) => (value ? Buffer.from(JSON.stringify(value)) : null);
