import { once } from 'node:events';
import { createConnection } from 'node:net';

const PATIENCE_MS = 10_000;

/** One socket that is asked again and again. */
export interface Connection extends Disposable {
  /** Sends a whole request and gives the length of the answer's body. Rejects unless the answer is a 200. */
  ask(request: Buffer): Promise<number>;
}

/**
 * HTTP/1.1 by hand, as far as our own servers speak it: no HTTP client of Node's is cheap enough to keep the ceiling
 * busy, and a server that has to wait for its next request costs more for each.
 */
export async function connect({ hostname, port }: URL): Promise<Connection> {
  const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  let waiting: PromiseWithResolvers<number> | undefined;
  let received: Buffer = Buffer.alloc(0);
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`No answer for ${PATIENCE_MS} ms.`)));
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('The connection was closed before the answer was whole.')));
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const bodyLength = bodyLengthOf(received);
      if (bodyLength === null) return;
      received = Buffer.alloc(0);
      waiting?.resolve(bodyLength);
    } catch (error) {
      waiting?.reject(error);
    }
  });
  return {
    ask(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const HEAD_END = '\r\n\r\n';

/** The length of an answer's body once the answer is whole, null before. Throws for any other answer than ours. */
export function bodyLengthOf(received: Buffer): number | null {
  const headLength = received.indexOf(HEAD_END);
  if (headLength < 0) return null;
  const head = received.toString('latin1', 0, headLength);
  const [, length] = /^HTTP\/1\.1 200 .*\r\ncontent-length: (\d+)/is.exec(head) ?? [];
  if (length === undefined) throw new Error(`Expected status 200 and a content-length, got:\n${head}`);
  const missing = headLength + HEAD_END.length + Number(length) - received.length;
  if (missing < 0) throw new Error('More bytes than the answer has.');
  return missing === 0 ? Number(length) : null;
}
