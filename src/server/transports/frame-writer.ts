import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Frame } from '../subscriptions/rendering.ts';

/**
 * Writes a frame of the body. Returns null, or when the client has too many unsent bytes, the emitter of `drain`. Writes the
 * prepared chunk to the socket itself: `response.write` would write the length, the bytes and the line break separately, which
 * takes 27 instead of 12 microseconds of CPU time, 10,000 times per change.
 */
export function writeFrame(response: ServerResponse, { body, chunk }: Frame): EventEmitter | null {
  const { socket, chunkedEncoding } = response;
  // HTTP/1.0 has no chunks. Without a socket, an earlier response of the connection is still being sent.
  if (!chunkedEncoding || !socket?.writable) return response.write(body) ? null : response;
  return socket.write(chunk) ? null : socket;
}

/** Whether the client has too many unsent bytes. */
export function needsDrain({ writableNeedDrain, socket }: ServerResponse): boolean {
  return writableNeedDrain || socket?.writableNeedDrain === true;
}
