import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

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
    const refuse = () => reject(new HttpError(413, `The body: expected at most ${maxBytes} bytes.`));
    if (Number(request.headers['content-length']) > most) refuse();
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return void chunks.push(chunk);
      chunks.length = 0;
      if (length <= most) return;
      refuse();
      request.destroy();
    };
    // Not before: an answer is lost when its connection is closed while more comes in.
    const end = () => {
      if (length > maxBytes) refuse();
      else resolve(Buffer.concat(chunks, length));
      // The request stays as long as its answer, which may be a stream: it must not hold the body.
      request.off('data', take).off('end', end).off('error', fail);
    };
    const fail = () => reject(new HttpError(400, 'The body: expected to its end.')); // Its sender has gone.
    request.on('data', take).on('end', end).on('error', fail);
  });
}
