import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { rejectSocket } from './http/client-error.ts';
import { HttpError } from './http/http-error.ts';
import type { GatewayServer } from './http/reply.ts';
import { guardRequest, type HostPolicy } from './http/request-guard.ts';
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
  options: HostPolicy & { readonly log: Logger; readonly clock: Clock },
): void {
  const { log, clock } = options;
  server.on('upgrade', (request: IncomingMessage, connection, head) => {
    try {
      guardRequest(request, options, readTarget(request.url ?? ''));
      // Node before 24.9 has no shouldUpgradeCallback and emits every upgrade.
      if (!isWebSocketUpgrade(request)) {
        throw new HttpError(400, 'Upgrade: is not supported here; expected websocket at /graphql, or no upgrade.');
      }
      sockets.open(request, connection, head);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const requestId = randomUUID();
      log.info({ requestId, status: error.status, reason: 'upgrade' }, 'request rejected');
      rejectSocket(connection, error, requestId, clock);
    }
  });
}
