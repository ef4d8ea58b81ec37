import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// What is common to the simulated upstreams, each a program of its own: how they listen, count and are told what to do.

/** What the bench tells a simulated upstream. Each message is answered, with how many requests it has answered so far if nothing else. */
export interface Orders {
  /** From now on every answer waits so long, in milliseconds. */
  readonly latencyMs?: number;
}

export const PREFIX = '/v1';

/**
 * Serves what `answer` makes of a request's target below the prefix; null is a 404. Tells its URL on standard error. What
 * `obey` makes of a message is the reply to it.
 */
export function serve(answer: (target: string) => Buffer | null, obey: (message: object) => unknown = () => {}): void {
  let calls = 0;
  let latencyMs = 0;
  process.on('message', (message: Orders | string) => {
    if (typeof message === 'string') return; // For the meter.
    latencyMs = message.latencyMs ?? latencyMs;
    process.send?.(obey(message) ?? calls);
  });
  const server = createServer({ keepAliveTimeout: 60_000 }, ({ url = '' }, response) => {
    calls++;
    const send = () => {
      const body = answer(url.slice(PREFIX.length));
      const headers = { 'content-type': 'application/json', 'content-length': body?.length ?? 0 };
      response.writeHead(body ? 200 : 404, headers).end(body ?? '');
    };
    if (latencyMs > 0) setTimeout(send, latencyMs);
    else send();
  });
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo; // A server that listens on TCP has such an address.
    process.stderr.write(`http://127.0.0.1:${port}${PREFIX}\n`);
  });
}

export const toBody = (value: object | undefined) => (value ? Buffer.from(JSON.stringify(value)) : null);
