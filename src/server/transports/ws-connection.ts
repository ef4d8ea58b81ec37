import { CloseCode, type Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { guardDepth } from '../graphql/params.ts';
import { HttpError } from '../http/http-error.ts';
import type { Intake, IntakeClient } from './ws-intake.ts';

/** Idle time before TCP keep-alive probes the client, in milliseconds. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** Maximum bytes of a close reason (RFC 6455 5.5). */
const MAX_CLOSE_REASON_BYTES = 123;

/**
 * Connects a socket to the protocol with backpressure: each message is awaited until the system has taken it, and the server
 * stops reading from a client with too many unsent bytes. Returns the protocol's close handler.
 */
export function connect<Client extends IntakeClient>(
  protocol: Server<Client>,
  client: Client,
  { pauseWhileUnsent, resume }: Intake,
  onError: (error: unknown) => void,
) {
  const { socket, request, reject } = client;
  request.socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  socket.on('ping', createPong(socket, resume));
  return protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) =>
        new Promise((resolve) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(text, () => {
            resume();
            resolve();
          });
        }),
      close: (code = CloseCode.BadRequest, reason = '') => reject(code, reason),
      onMessage: (handleMessage) =>
        socket.on('message', async (data: Buffer) => {
          if (socket.readyState !== socket.OPEN) return; // Rejected, but it sends on.
          try {
            pauseWhileUnsent();
            guardDepth(data, 'Message');
            await handleMessage(String(data));
          } catch (error) {
            if (error instanceof HttpError) return reject(CloseCode.BadRequest, error.message);
            onError(error);
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          }
        }),
    },
    client,
  );
}

/** Answers pings: while an answer is unsent, only the newest one (RFC 6455 5.5.3). */
function createPong(socket: WebSocket, onSent: () => void): (data: Buffer) => void {
  let newest: Buffer | undefined;
  let isSending = false;
  function send() {
    const data = newest;
    newest = undefined;
    isSending = data !== undefined && socket.readyState === socket.OPEN;
    if (!isSending) return;
    socket.pong(data, false, () => {
      onSent();
      send();
    });
  }
  return (data) => {
    newest = data;
    if (isSending) return;
    isSending = true;
    queueMicrotask(send); // After all pings of one read.
  };
}

/** The reason in ASCII, so that characters are bytes; the protocol's reasons contain ids that clients choose. */
export const closeReason = (reason: string) => reason.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_CLOSE_REASON_BYTES);
