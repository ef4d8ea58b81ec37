import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Most bytes of a request's body. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** How much more of a body that is refused is read, so that its sender comes to read the refusal. */
const MAX_DRAINED_BYTES = 8 * MAX_BODY_BYTES;

/** Reads a whole body of at most `MAX_BODY_BYTES`. Throws a Refusal (413) past them, however the length was announced. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = () => reject(new Refusal(413, `The body: expected at most ${MAX_BODY_BYTES} bytes.`));
    if (Number(request.headers['content-length']) > MAX_DRAINED_BYTES) refuse();
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) return void chunks.push(chunk);
      chunks.length = 0;
      if (length <= MAX_DRAINED_BYTES) return;
      refuse();
      request.destroy();
    });
    // Not before: an answer is lost when its connection is closed while more comes in.
    request.on('end', () => (length > MAX_BODY_BYTES ? refuse() : resolve(Buffer.concat(chunks, length))));
    request.on('error', () => reject(new Refusal(400, 'The body: expected to its end.'))); // Its sender has gone.
  });
}
