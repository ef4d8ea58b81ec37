import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type NoTimeoutRequests, useClientErrors } from './http/client-error.ts';
import { GatewayResponse, type GatewayServer } from './http/reply.ts';
import { becomesWebSocket } from './websocket-upgrade.ts';

/** Most bytes of a request's line and headers. */
const MAX_HEADER_BYTES = 16 * 1024;
/** How often a full house is mentioned at most, in milliseconds. */
const MIN_LOG_INTERVAL_MS = 10_000;

export interface ConnectionLimits {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

export interface Connections {
  readonly server: GatewayServer;
  /** Closes those that rest. Node's own way leaves out those that have not sent a whole request yet. */
  closeIdle(): void;
}

type Front = (request: IncomingMessage, response: GatewayResponse) => Promise<void>;

/** An HTTP server whose clients may be slow, silent or many. These waits take real time: Node measures them. */
export function createConnections(
  front: Front,
  unhurried: NoTimeoutRequests,
  limits: ConnectionLimits,
  log: Logger,
  clock: Clock,
): Connections {
  const { headersTimeoutMs, bodyTimeoutMs, idleTimeoutMs } = limits;
  const server = createServer({
    ServerResponse: GatewayResponse,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersTimeoutMs,
    requestTimeout: headersTimeoutMs + bodyTimeoutMs,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, headersTimeoutMs, bodyTimeoutMs),
    requireHostHeader: false, // The front says it in JSON.
    shouldUpgradeCallback: becomesWebSocket,
  });
  const idle = trackIdle(server);
  makeRoom(server, idle, limits.maxConnections, log, clock);
  const answer: Front = (request, response) => {
    response.on('prefinish', () => request.socket.setTimeout(idleTimeoutMs)); // Node waits for ever for a reader.
    return front(request, response);
  };
  server.on('request', answer);
  server.on('checkExpectation', answer); // An expectation that nobody knows may be passed over.
  useClientErrors(server, unhurried, log, clock);
  return {
    server,
    closeIdle() {
      for (const socket of idle) socket.destroy();
    },
  };
}

/** Connections without a request under way, such as a browser opens in advance; the one that has rested longest is first. */
function trackIdle(server: GatewayServer): Set<Socket> {
  const idle = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.on('close', () => idle.delete(socket));
  });
  server.on('upgrade', ({ socket }: IncomingMessage) => idle.delete(socket));
  server.prependListener('request', ({ socket }, response) => {
    idle.delete(socket);
    response.on('close', () => socket.destroyed || idle.add(socket));
  });
  return idle;
}

/**
 * Whoever fills the house with silent connections keeps nobody out: they are the ones that go. While every connection has
 * a request under way, a new one is closed at once, which costs least and lets a proxy ask elsewhere.
 */
function makeRoom(server: GatewayServer, idle: Set<Socket>, most: number, log: Logger, clock: Clock): void {
  const open = new Set<Socket>();
  let mentionAt = Number.NEGATIVE_INFINITY;
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    if (open.size <= most) return;
    const [longest = socket] = idle; // The new one at the latest.
    for (const sockets of [open, idle]) sockets.delete(longest);
    longest.destroy();
    if (clock.now() < mentionAt) return;
    mentionAt = clock.now() + MIN_LOG_INTERVAL_MS;
    log.warn({ maxConnections: most, idle: idle.size }, 'too many connections');
  });
}
