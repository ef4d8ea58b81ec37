import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

/** Maximum bytes of a request body, except of uploads. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** A rejected body is drained up to this multiple of its limit, so that its sender can read the response. */
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
    const rejectTooLarge = () => reject(bodyTooLarge(maxBytes, advice));
    if (Number(request.headers['content-length']) > maxDrainedBytes) rejectTooLarge();
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return void chunks.push(chunk);
      chunks.length = 0;
      if (length <= maxDrainedBytes) return;
      rejectTooLarge();
      request.destroy();
    };
    // At the end, not earlier: closing a connection with unread bytes discards the response.
    const onEnd = () => {
      if (length > maxBytes) rejectTooLarge();
      else resolve(Buffer.concat(chunks, length));
      // The request is retained as long as its response, which can be a stream: release the chunks.
      request.off('data', onData).off('end', onEnd).off('error', onError);
    };
    const onError = () => reject(bodyIncomplete()); // The client has disconnected.
    request.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

/** 413. */
function bodyTooLarge(maxBytes: number, advice: string): HttpError {
  return new HttpError(413, `Body: exceeds the limit of ${maxBytes} bytes; ${advice}.`);
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
