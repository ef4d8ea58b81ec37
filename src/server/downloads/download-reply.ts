import { Socket } from 'node:net';
import { revokedError } from '../auth/authenticate.ts';
import { type GatewayResponse, type Reply, writeHead } from '../http/reply.ts';
import { attachment } from './content-disposition.ts';

/** A response whose body is produced while it is sent. */
export interface Download extends Omit<Reply, 'body'> {
  /** The body. Throws the error that ends it early; the connection is then closed within the body. */
  readonly chunks: AsyncIterable<Uint8Array | string>;
  /** Releases what the body needs. Call it once, also when the reply is not sent. */
  close(): void;
}

/** A download for one caller. */
export interface DownloadReply extends Download {
  /** Whether the caller is still authorized. If not, the body ends early. */
  isAuthorized(): boolean;
}

/** Headers of each download. No browser shows or executes it, and no proxy stores it before the client has read it. */
export function downloadHeaders(type: string, filename: string): Record<string, string> {
  return {
    'content-type': type,
    'content-disposition': attachment(filename),
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'x-accel-buffering': 'no',
  };
}

export interface SendOptions {
  /** Maximum time that the client reads nothing, in milliseconds. */
  readonly idleMs: number;
  /** Receives the error that ends the body early, before the connection is closed. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Sends the reply, each chunk after the client has room for it. When the body fails, the connection is closed within it: an
 * incomplete body must not look complete.
 */
export async function sendDownload(
  response: GatewayResponse,
  reply: DownloadReply,
  { idleMs, onFailure }: SendOptions,
): Promise<void> {
  try {
    if (response.destroyed || response.headersSent) return; // The client has disconnected or was rejected meanwhile.
    writeHead(response, reply.status, reply.headers);
    if (response.req.method !== 'HEAD') await writeChunks(response, reply, idleMs);
    if (!response.destroyed) response.end();
  } catch (error) {
    onFailure(error);
    destroy(response);
  } finally {
    reply.close();
  }
}

async function writeChunks(response: GatewayResponse, reply: DownloadReply, idleMs: number): Promise<void> {
  for await (const chunk of reply.chunks) {
    if (!reply.isAuthorized()) throw revokedError();
    if (response.destroyed) return;
    if (response.write(chunk)) continue;
    response.socket?.setTimeout(idleMs);
    await drained(response);
    response.socket?.setTimeout(0); // The upstream has a timeout of its own.
  }
}

function drained(response: GatewayResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    if (response.destroyed) return resolve();
    response.on('drain', settle).on('close', settle);
  });
}

/** In HTTP/1.0 the end of the connection is the end of the body, except for a reset. */
function destroy(response: GatewayResponse): void {
  const { socket } = response;
  if (socket instanceof Socket && response.req.httpVersion === '1.0') socket.resetAndDestroy();
  else response.destroy();
}
