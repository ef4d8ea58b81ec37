import { connect } from './connection.ts';

/** The bytes of a request, and the expected length of the response's body. */
export interface Exchange {
  readonly request: Buffer;
  readonly responseLength: number;
}

export interface Load {
  readonly seconds: number;
  /** Latency of each response. */
  readonly latenciesMs: readonly number[];
}

export interface LoadOptions {
  connections: number;
  seconds: number;
  /** Stops the load, which then rejects. */
  signal: AbortSignal;
}

/** A closed loop: each connection sends its next request after the response. Rejects when a response has another length. */
export async function load(url: URL, exchanges: readonly Exchange[], options: LoadOptions): Promise<Load> {
  using opened = new DisposableStack();
  const connections = await Promise.all(Array.from({ length: options.connections }, () => connect(url)));
  for (const connection of connections) opened.use(connection);
  const latenciesMs: number[] = [];
  const began = performance.now();
  const ends = began + options.seconds * 1000;
  let next = 0;
  await Promise.all(
    connections.map(async ({ send }) => {
      for (let now = performance.now(); now < ends; ) {
        options.signal.throwIfAborted();
        const exchange = exchanges[next++ % exchanges.length] as Exchange; // In bounds.
        const length = await send(exchange.request);
        if (length !== exchange.responseLength)
          throw new Error(`Got a response of ${length} bytes, expected ${exchange.responseLength}.`);
        const received = performance.now();
        latenciesMs.push(received - now);
        now = received;
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1000, latenciesMs };
}

/** The bytes of a POST with a JSON body. */
export function toRequest({ pathname, host }: URL, body: string): Buffer {
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
