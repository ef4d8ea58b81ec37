import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { rejectSocket } from './http/client-error.ts';
import { HttpError } from './http/http-error.ts';
import { quoteInput } from './http/quote-input.ts';
import type { RemoteOf } from './http/remote.ts';
import type { GatewayServer } from './http/reply.ts';
import { guardRequest, guardWebSocketOrigin, type HostPolicy } from './http/request-guard.ts';
import { readTarget } from './http/request-target.ts';
import type { WebSockets } from './transports/ws.ts';

/** Whether a request becomes a WebSocket. Upgrades of other paths or protocols are ignored, and get an HTTP response. */
export function isWebSocketUpgrade({ headers, url = '' }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && readTarget(url).path === '/graphql';
}

/** Opens WebSockets at `/graphql`, with the guards of every other request. */
export function useWebSockets(
  server: GatewayServer,
  sockets: WebSockets,
  options: HostPolicy & { readonly remoteOf: RemoteOf; readonly log: Logger; readonly clock: Clock },
): void {
  const { remoteOf, log, clock } = options;
  server.on('upgrade', (request: IncomingMessage, connection, head) => {
    const remote = remoteOf(request);
    try {
      guardRequest(request, options, readTarget(request.url ?? ''));
      // Node before 24.9 has no shouldUpgradeCallback and emits every upgrade.
      if (!isWebSocketUpgrade(request)) {
        throw new HttpError(400, 'Upgrade: is not supported here; expected websocket at /graphql, or no upgrade.');
      }
      guardWebSocketOrigin(request, options, remote);
      guardHandshake(request);
      sockets.open(request, connection, head, remote);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const requestId = randomUUID();
      const { address } = remote;
      log.info({ requestId, address, status: error.status, reason: 'upgrade' }, 'request rejected');
      rejectSocket(connection, error, requestId, clock);
    }
  });
}

/** Throws an HttpError where the library for WebSockets would respond with plain text (RFC 6455 4.2.1). */
function guardHandshake({ method, headers }: IncomingMessage): void {
  const { 'sec-websocket-key': key = '', 'sec-websocket-version': version } = headers;
  if (method !== 'GET') {
    const message = `Method: ${method} cannot open a WebSocket; expected GET, or no header Upgrade.`;
    throw new HttpError(405, message, { allow: 'GET' });
  }
  if (version !== '13') {
    const problem = version === undefined ? 'is missing' : `${quoteInput(version)} is not supported`;
    throw new HttpError(426, `Sec-WebSocket-Version: ${problem}; expected 13.`, { 'sec-websocket-version': '13' });
  }
  if (!/^[+/\w]{22}==$/.test(key)) {
    const problem = key === '' ? 'is missing' : 'is invalid';
    const message = `Sec-WebSocket-Key: ${problem}; expected 16 bytes in base64, such as dGhlIHNhbXBsZSBub25jZQ==.`;
    throw new HttpError(400, message);
  }
}
