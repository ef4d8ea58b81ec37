import { connect } from './connection.ts';

/** A request as it goes over the wire, and how long the body of its answer is. */
export interface Exchange {
  readonly request: Buffer;
  readonly answerLength: number;
}

export interface Load {
  readonly seconds: number;
  /** How long each answer took. */
  readonly latenciesMs: readonly number[];
}

export interface LoadOptions {
  connections: number;
  seconds: number;
  /** Ends the load, which then rejects. */
  signal: AbortSignal;
}

/** A closed loop: each connection sends the next request as soon as it has its answer. Rejects at an answer of another length. */
export async function load(url: URL, exchanges: readonly Exchange[], options: LoadOptions): Promise<Load> {
  using opened = new DisposableStack();
  const connections = await Promise.all(Array.from({ length: options.connections }, () => connect(url)));
  for (const connection of connections) opened.use(connection);
  const latenciesMs: number[] = [];
  const began = performance.now();
  const ends = began + options.seconds * 1000;
  let next = 0;
  await Promise.all(
    connections.map(async ({ ask }) => {
      for (let now = performance.now(); now < ends; ) {
        options.signal.throwIfAborted();
        const exchange = exchanges[next++ % exchanges.length] as Exchange; // In bounds.
        const length = await ask(exchange.request);
        if (length !== exchange.answerLength)
          throw new Error(`An answer of ${length} bytes instead of ${exchange.answerLength}.`);
        const answered = performance.now();
        latenciesMs.push(answered - now);
        now = answered;
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1000, latenciesMs };
}

/** A POST of JSON. */
export function toRequest({ pathname, host }: URL, body: string): Buffer {
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
