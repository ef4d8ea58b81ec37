import type { Socket } from 'node:net';
import { addressKey } from './remote.ts';

export interface ConnectionCaps {
  readonly maxConnections: number;
  /** Connections that one address keeps while `maxConnections` are open. */
  readonly maxConnectionsPerAddress: number;
}

/** Protects a connection of an authenticated caller from being closed for a new one. Returns the function that ends it. */
export type HoldConnection = (socket: Socket) => () => void;

/** The open connections of clients. */
export interface ConnectionRegistry {
  /** Adds a new connection. Returns the one to close when there are too many, which can be the new one. */
  add(socket: Socket): Socket | undefined;
  /** Counts a request in progress. Returns the function that ends it. */
  startRequest(socket: Socket): () => void;
  readonly hold: HoldConnection;
  /** All connections without a request in progress, also those without a complete first request. */
  idle(): Socket[];
  /** Closes all idle connections, and from now on each one that becomes idle. */
  closeIdle(): void;
  readonly size: number;
}

interface Connection {
  readonly address: string;
  /** Number of requests in progress. A WebSocket is one. */
  requests: number;
  /** Number of requests in progress of an authenticated caller. */
  holds: number;
}

/**
 * Creates a registry that closes, above the maximum, first the connection that has been without an authenticated caller for
 * the longest time, in whatever state its request is. Then the one that has been idle longest since an authenticated request.
 * Then the oldest of the address with the most connections, if only that address has more than its cap. Trusted proxies have
 * no cap: their connections belong to many clients.
 */
export function createConnectionRegistry(
  { maxConnections, maxConnectionsPerAddress }: ConnectionCaps,
  isProxy: ((address: string) => boolean) | null,
): ConnectionRegistry {
  const open = new Map<Socket, Connection>();
  const byAddress = new Map<string, Set<Socket>>();
  // Both ordered by time; the longest is first.
  const unauthenticated = new Set<Socket>();
  const idle = new Set<Socket>();
  let isClosing = false;

  function append(sockets: Set<Socket>, socket: Socket) {
    idle.delete(socket);
    unauthenticated.delete(socket);
    sockets.add(socket);
  }

  function remove(socket: Socket) {
    const connection = open.get(socket);
    if (connection === undefined) return;
    const neighbors = byAddress.get(connection.address);
    neighbors?.delete(socket);
    if (neighbors?.size === 0) byAddress.delete(connection.address);
    for (const sockets of [open, unauthenticated, idle]) sockets.delete(socket);
  }

  /** The oldest connection of the address with the most, unless the new one's address is above its cap too. */
  function oldestAboveCap(newcomer: Socket): Socket | undefined {
    const ownSize = byAddress.get(open.get(newcomer)?.address ?? '')?.size ?? 0;
    if (ownSize > maxConnectionsPerAddress) return undefined;
    let largest: Set<Socket> | undefined;
    for (const sockets of byAddress.values()) {
      if (sockets.size > (largest?.size ?? maxConnectionsPerAddress)) largest = sockets;
    }
    return largest?.values().next().value;
  }

  function victimFor(newcomer: Socket): Socket {
    const [oldest] = unauthenticated; // The new connection is the last one.
    if (oldest !== undefined && oldest !== newcomer) return oldest;
    const [longestIdle] = idle;
    return longestIdle ?? oldestAboveCap(newcomer) ?? newcomer;
  }

  const withoutRequest = () => [...open].flatMap(([socket, { requests }]) => (requests === 0 ? [socket] : []));

  return {
    add(socket) {
      const address = addressKey(socket.remoteAddress);
      open.set(socket, { address, requests: 0, holds: 0 });
      const isCapped = !isProxy?.(socket.remoteAddress ?? '');
      if (isCapped) byAddress.set(address, (byAddress.get(address) ?? new Set()).add(socket));
      unauthenticated.add(socket);
      socket.on('close', () => remove(socket));
      if (open.size <= maxConnections) return undefined;
      const victim = victimFor(socket);
      remove(victim); // Its event `close` comes later.
      return victim;
    },
    startRequest(socket) {
      const connection = open.get(socket);
      if (connection === undefined) return () => {};
      connection.requests++;
      if (connection.holds === 0) append(unauthenticated, socket);
      return () => {
        connection.requests--;
        if (isClosing && connection.requests === 0) socket.destroySoon();
      };
    },
    hold(socket) {
      const connection = open.get(socket);
      if (connection === undefined) return () => {};
      connection.holds++;
      idle.delete(socket);
      unauthenticated.delete(socket);
      return () => {
        connection.holds--;
        if (connection.holds > 0 || !open.has(socket)) return;
        append(connection.requests === 0 ? idle : unauthenticated, socket);
      };
    },
    idle: withoutRequest,
    closeIdle() {
      isClosing = true;
      for (const socket of withoutRequest()) socket.destroy();
    },
    get size() {
      return open.size;
    },
  };
}
