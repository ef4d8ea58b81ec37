import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock.ts';

// The time limits of nginx (https://nginx.org/en/docs/http/ngx_http_core_module.html#lingering_close).
const MAX_IDLE_MS = 5000;
const MAX_LINGER_MS = 30_000;
/** Maximum bytes that are discarded: twice the largest default upload. */
const MAX_LINGER_BYTES = 1024 * 1024 * 1024;
const CHECK_INTERVAL_MS = 1000;

/**
 * Makes Node close the connection of an unfinished request such that its client can read the response: destroying a socket
 * with unread bytes resets the connection, and the client loses what it has not read (RFC 9112 9.6). Call it before the
 * response has ended.
 */
export function closeLingering(request: IncomingMessage, clock: Clock): void {
  const { socket } = request;
  let isLingering = false;
  // Node calls it after the last response of a connection.
  socket.destroySoon = () => {
    isLingering = true;
    request.resume();
    socket.end();
    boundLinger(socket, clock);
  };
  request.on('end', () => {
    Reflect.deleteProperty(socket, 'destroySoon'); // From now on the method of its class.
    if (isLingering) socket.destroySoon();
  });
}

/** Sends the last bytes, and discards what still arrives until the client closes the connection. */
export function endLingering(socket: Duplex, lastBytes: string, clock: Clock): void {
  socket.on('error', () => {}); // The client may have disconnected.
  socket.end(lastBytes);
  socket.resume();
  boundLinger(socket, clock);
}

/** Destroys the socket when its client has closed its side, is silent, or sends for too long or too much. */
function boundLinger(socket: Duplex, clock: Clock): void {
  const startBytes = bytesReadOf(socket);
  let knownBytes = startBytes;
  let [idleMs, lingerMs] = [0, 0];
  function check() {
    lingerMs += CHECK_INTERVAL_MS;
    const bytes = bytesReadOf(socket);
    idleMs = bytes === knownBytes ? idleMs + CHECK_INTERVAL_MS : 0;
    knownBytes = bytes;
    const isOver = idleMs >= MAX_IDLE_MS || lingerMs >= MAX_LINGER_MS || knownBytes - startBytes > MAX_LINGER_BYTES;
    if (isOver) socket.destroy();
    else cancel = clock.after(CHECK_INTERVAL_MS, check);
  }
  let cancel = clock.after(CHECK_INTERVAL_MS, check);
  socket.on('close', () => cancel());
  socket.on('end', () => (socket.writableFinished ? socket.destroy() : socket.on('finish', () => socket.destroy())));
}

const bytesReadOf = (socket: Duplex): number => (socket instanceof Socket ? socket.bytesRead : 0);
