import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

/** Maximum bytes of a request body, except of uploads. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** A rejected body up to this multiple of its limit is read to its end, so that the connection can be used again. */
const DRAIN_FACTOR = 8;

const SEND_LESS = 'send less, such as one operation per request, and a file as multipart/form-data';

/**
 * Reads the body. Throws an HttpError (413) above `maxBytes`, with or without a Content-Length; its message ends in
 * `advice`.
 */
export function readBody(request: IncomingMessage, maxBytes = MAX_BODY_BYTES, advice = SEND_LESS): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const maxDrainedBytes = DRAIN_FACTOR * maxBytes;
    const rejectTooLarge = (headers = {}) => reject(bodyTooLarge(maxBytes, advice, headers));
    if (Number(request.headers['content-length']) > maxDrainedBytes) return rejectTooLarge(CLOSE);
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return void chunks.push(chunk);
      chunks.length = 0;
      if (length > maxDrainedBytes) rejectTooLarge(CLOSE);
    };
    const onEnd = () => {
      if (length > maxBytes) rejectTooLarge();
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length));
      // The request is retained as long as its response, which can be a stream: release the chunks.
      request.off('data', onData).off('end', onEnd).off('error', onError);
    };
    const onError = () => reject(bodyIncomplete()); // The client has disconnected.
    request.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

/** Ends the connection: the rest of the body is discarded within the bounds of its lingering close. */
const CLOSE = { connection: 'close' };

/** 413. */
function bodyTooLarge(maxBytes: number, advice: string, headers: Readonly<Record<string, string>>): HttpError {
  return new HttpError(413, `Body: exceeds the limit of ${maxBytes} bytes; ${advice}.`, headers);
}

/** 400: the connection closed before the end of the body. */
export function bodyIncomplete(): HttpError {
  return new HttpError(400, 'Body: is incomplete; expected all bytes that Content-Length or the chunks announce.');
}

/** 408. */
export function bodyTimeout(timeoutMs: number): HttpError {
  const message = `Body: did not arrive within ${timeoutMs} ms (BODY_TIMEOUT_MS); send it without pauses.`;
  return new HttpError(408, message, { connection: 'close' });
}
