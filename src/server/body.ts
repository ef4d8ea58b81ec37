import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Most bytes of a request's body. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Reads a whole body of at most `MAX_BODY_BYTES`. Throws a Refusal (413) past them, however the length was announced. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const refuse = () => {
      request.removeAllListeners('data').resume();
      reject(new Refusal(413, `The body: expected at most ${MAX_BODY_BYTES} bytes.`, { connection: 'close' }));
    };
    if (Number(request.headers['content-length']) > MAX_BODY_BYTES) return refuse();
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY_BYTES) refuse();
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks, length)));
    request.on('error', reject);
  });
}
