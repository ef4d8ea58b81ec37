import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Most bytes of a request's body. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** How many times as much of a body that is refused is read, so that its sender comes to read the refusal. */
const DRAINED = 8;

/** Reads a whole body of at most `maxBytes`. Throws a Refusal (413) past them, however the length was announced. */
export function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const most = DRAINED * maxBytes;
    const refuse = () => reject(new Refusal(413, `The body: expected at most ${maxBytes} bytes.`));
    if (Number(request.headers['content-length']) > most) refuse();
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return void chunks.push(chunk);
      chunks.length = 0;
      if (length <= most) return;
      refuse();
      request.destroy();
    });
    // Not before: an answer is lost when its connection is closed while more comes in.
    request.on('end', () => {
      if (length > maxBytes) return refuse();
      resolve(Buffer.concat(chunks, length));
      chunks.length = 0; // The request stays as long as its answer, which may be a stream.
    });
    request.on('error', () => reject(new Refusal(400, 'The body: expected to its end.'))); // Its sender has gone.
  });
}
