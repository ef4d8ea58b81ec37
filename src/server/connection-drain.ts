import { Server as TcpServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { ConnectionRegistry } from './http/connection-registry.ts';
import type { GatewayServer } from './http/reply.ts';

/** More turns of the event loop than Node needs to accept a full queue of new connections, which has 511. */
const MAX_ACCEPT_TURNS = 1000;
const IDLE_CHECK_MS = 50;

/** Ends the connections of a server so that no request is lost. */
export interface Drain {
  /** Whether `announce` was called. */
  readonly isAnnounced: () => boolean;
  /** From now on each response has `Connection: close`, so that its client sends no other request on the connection (RFC 9112 9.6). */
  announce(): void;
  /** Stops listening. Resolves when it has. */
  stopListening(): Promise<void>;
  /** Resolves when no connection is idle, at the latest after `maxMs`: a client may be sending a request on an idle one. */
  idleEnded(maxMs: number): Promise<void>;
  /** Closes connections that are or become idle. Resolves when all are closed. */
  close(): Promise<void>;
}

export function createDrain(server: GatewayServer, registry: ConnectionRegistry, clock: Clock): Drain {
  let isAnnounced = false;
  return {
    isAnnounced: () => isAnnounced,
    announce() {
      isAnnounced = true;
    },
    async stopListening() {
      // The kernel resets connections that Node has not accepted yet, on which a proxy may have sent a request. After a turn of
      // the event loop without an event there is none.
      const { nodeTiming } = performance;
      for (let events = -1, turn = 0; events !== nodeTiming.uvMetricsInfo.events && turn < MAX_ACCEPT_TURNS; turn++) {
        events = nodeTiming.uvMetricsInfo.events;
        await setImmediate();
      }
      TcpServer.prototype.close.call(server); // The method of HTTP closes idle connections too.
    },
    async idleEnded(maxMs) {
      const endsAt = clock.now() + maxMs;
      while (clock.now() < endsAt && registry.idle().length > 0) {
        await new Promise<void>((resolve) => clock.after(IDLE_CHECK_MS, resolve));
      }
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      registry.closeIdle(); // Also those without a complete first request, which Node's own method skips.
      await closed;
      while (registry.size > 0) await setImmediate(); // The event `close` of the last sockets comes after that of the server.
    },
  };
}
