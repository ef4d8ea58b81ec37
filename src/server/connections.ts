import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { limitReached } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createDrain, type Drain } from './connection-drain.ts';
import type { BodyTimeouts } from './http/body-timeout.ts';
import { MAX_HEADER_BYTES, useClientErrors } from './http/client-error.ts';
import type { ConnectionCaps, ConnectionRegistry } from './http/connection-registry.ts';
import { closeLingering } from './http/lingering-close.ts';
import { GatewayResponse, type GatewayServer } from './http/reply.ts';
import type { RequestHandler } from './router.ts';
import { isWebSocketUpgrade } from './websocket-upgrade.ts';

/** Minimum time between two log lines about the connection limit, in milliseconds. */
const MIN_LOG_INTERVAL_MS = 10_000;

export interface ConnectionLimits extends ConnectionCaps {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface Connections {
  readonly server: GatewayServer;
  readonly drain: Drain;
}

/**
 * Creates an HTTP server that limits slow, idle and too many clients. Node measures the timeouts of headers and idle time in
 * real time.
 */
export function createConnections(
  handler: RequestHandler,
  bodyTimeouts: BodyTimeouts,
  limits: ConnectionLimits,
  registry: ConnectionRegistry,
  log: Logger,
  clock: Clock,
): Connections {
  const { headersTimeoutMs, idleTimeoutMs } = limits;
  const server = createServer({
    ServerResponse: GatewayResponse,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0, // It includes the headers. The body has its own timeout.
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs),
    requireHostHeader: false, // The router responds with JSON.
    shouldUpgradeCallback: isWebSocketUpgrade,
  });
  const drain = createDrain(server, registry, clock);
  limitConnections(server, registry, limits, log, clock);
  server.on('upgrade', ({ socket }: IncomingMessage) => void registry.startRequest(socket)); // Until the connection closes.
  const onRequest = (request: IncomingMessage, response: GatewayResponse) => {
    const { socket } = request;
    if (!socket.writable) return void socket.destroy(); // Behind the last response of the connection.
    response.on('close', registry.startRequest(socket));
    response.isLast = drain.isAnnounced;
    response.on('prefinish', () => {
      socket.setTimeout(idleTimeoutMs); // Node has no timeout for reading a response.
      if (!request.complete) closeLingering(request, clock);
    });
    void handler(request, response);
  };
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest); // An unknown expectation may be ignored (RFC 9110 10.1.1).
  bodyTimeouts.use(server);
  useClientErrors(server, { headersTimeoutMs, log, clock });
  return { server, drain };
}

/**
 * Closes a connection for each new one above the limit, so that idle and unauthenticated clients do not block others. When
 * that is the new one itself, a proxy can try another server.
 */
function limitConnections(
  server: GatewayServer,
  registry: ConnectionRegistry,
  { maxConnections }: ConnectionLimits,
  log: Logger,
  clock: Clock,
): void {
  let nextLogAt = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket: Socket) => {
    const victim = registry.add(socket);
    if (victim === undefined) return;
    if (limitReached.hasSubscribers) limitReached.publish({ limit: 'connections' });
    victim.destroy();
    if (clock.now() < nextLogAt) return;
    nextLogAt = clock.now() + MIN_LOG_INTERVAL_MS;
    log.warn({ maxConnections, isRefused: victim === socket }, 'connection limit reached');
  });
}
