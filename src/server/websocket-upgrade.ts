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

/** Whether a client goes on as a WebSocket. Who asks for that elsewhere, or for another protocol, is answered without. */
export function becomesWebSocket({ headers, url = '' }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && readTarget(url).path === '/graphql';
}

/** Lets WebSockets in at `/graphql`, under the rules of the front for every other request. */
export function useWebSockets(
  server: GatewayServer,
  sockets: WebSockets,
  options: HostPolicy & { readonly log: Logger; readonly clock: Clock },
): void {
  const { log, clock } = options;
  server.on('upgrade', (request: IncomingMessage, connection, head) => {
    try {
      guardRequest(request, options, readTarget(request.url ?? ''));
      if (!becomesWebSocket(request)) throw new HttpError(400, 'Upgrade: expected none.'); // As Node before 24.9 lets them in.
      sockets.open(request, connection, head);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const requestId = randomUUID();
      log.info({ requestId, status: error.status, fault: 'upgrade' }, 'request refused');
      rejectSocket(connection, error, requestId, clock);
    }
  });
}
