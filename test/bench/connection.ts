import { once } from 'node:events';
import { createConnection } from 'node:net';

const TIMEOUT_MS = 10_000;

/** One socket for many requests, one at a time. */
export interface Connection extends Disposable {
  /** Sends a request. Resolves to the length of the response's body; rejects unless its status is 200. */
  send(request: Buffer): Promise<number>;
}

/**
 * The part of HTTP/1.1 that the measured servers use. Node's own clients are too slow for the static server, and a server
 * that waits for its next request uses more CPU for each.
 */
export async function connect({ hostname, port }: URL): Promise<Connection> {
  const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  let waiting: PromiseWithResolvers<number> | undefined;
  let received: Buffer = Buffer.alloc(0);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`No response for ${TIMEOUT_MS} ms.`)));
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('The connection was closed before the response was complete.')));
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
    send(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const HEAD_END = '\r\n\r\n';

/** Length of the body of a complete response, or null while it is incomplete. Throws unless it has status 200 and a content-length. */
export function bodyLengthOf(received: Buffer): number | null {
  const headLength = received.indexOf(HEAD_END);
  if (headLength < 0) return null;
  const head = received.toString('latin1', 0, headLength);
  const [, length] = /^HTTP\/1\.1 200 .*\r\ncontent-length: (\d+)/is.exec(head) ?? [];
  if (length === undefined) throw new Error(`Expected status 200 and a content-length, got:\n${head}`);
  const missing = headLength + HEAD_END.length + Number(length) - received.length;
  if (missing < 0) throw new Error('Got more bytes than the content-length.');
  return missing === 0 ? Number(length) : null;
}
