import { after } from '../data/clock.ts';
import { openHubConnection, type ProtocolMessage, parseMessage } from './hub-connection.ts';
import {
  type Channel,
  HANDED_OVER,
  type HubNotice,
  LOST,
  openChannel,
  type SocketEvent,
  socketName,
  type ToHub,
  type ToSocket,
} from './messages.ts';
import type { TabGroup } from './tab-group.ts';

/** A hub relays the sockets of several tabs over one connection to the gateway. It ends with its connection. */
export interface Hub {
  /** Resolves when the hub has ended. */
  readonly ended: Promise<void>;
  /** Ends the hub because another tab has taken its place. */
  end(): void;
}

const MAX_SOCKETS = 20;
/** The gateway permits 100 per connection, and counts an ended one a moment longer. */
const MAX_OPERATIONS = 90;
/** A comparison of ten jobs has so many subscriptions, other pages have up to four. */
const MAX_OPERATIONS_PER_PAGE = 20;
/** A hub without a socket ends after it. */
const IDLE_MS = 10_000;

export function createHub(group: TabGroup): Hub {
  const hub = crypto.randomUUID();
  const sockets = new Map<string, RelayedSocket>();
  /** The socket of each operation. */
  const operations = new Map<string, RelayedSocket>();
  const waitingForAck = new Set<RelayedSocket>();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const cancelIdle = after(IDLE_MS, () => end(1000, 'Idle'));
  let ack: string | undefined;
  let isEnded = false;
  let connection: ReturnType<typeof openHubConnection> | undefined;

  const channel: Channel<HubNotice> = openChannel<ToHub | HubNotice, HubNotice>(group.name, (message) => {
    if (message.kind === 'hub') return;
    if (message.kind === 'open') accept(message.id);
    const socket = sockets.get(message.id);
    if (socket === undefined) return;
    if (message.kind === 'send') forward(socket, message.data);
    if (message.kind === 'close') remove(socket);
  });

  function accept(id: string): void {
    if (sockets.has(id)) return;
    const socket = relay(hub, group.name, id, () => remove(socket));
    if (sockets.size === MAX_SOCKETS || operations.size > MAX_OPERATIONS - MAX_OPERATIONS_PER_PAGE) {
      socket.tell({ kind: 'full' });
      socket.dispose();
      return;
    }
    cancelIdle();
    sockets.set(id, socket);
    socket.tell({ kind: 'accepted' });
    if (connection?.isOpen) socket.tell({ kind: 'opened' });
    connection ??= openHubConnection(group, { opened, received, closed: end });
  }

  function remove(socket: RelayedSocket): void {
    if (!sockets.delete(socket.id)) return;
    socket.dispose();
    waitingForAck.delete(socket);
    for (const [id, owner] of operations) {
      if (owner !== socket) continue;
      operations.delete(id);
      connection?.send({ id, type: 'complete' });
    }
    if (sockets.size === 0) end(1000, 'Normal Closure');
  }

  function forward(socket: RelayedSocket, data: string): void {
    const message = parseMessage(data);
    const { type, id = '' } = message;
    if (type === 'connection_init') acknowledge(socket);
    else if (type === 'ping') connection?.ping(() => socket.tell({ kind: 'message', data: '{"type":"pong"}' }));
    else if (type === 'subscribe' && operations.size === MAX_OPERATIONS) {
      socket.tell({ kind: 'closed', code: HANDED_OVER, reason: 'The shared connection has no room for it.' });
      remove(socket); // It finds this hub full, and opens a connection of its own.
    } else {
      if (type === 'subscribe') operations.set(id, socket);
      else operations.delete(id);
      connection?.send(message);
    }
  }

  /** The hub has authenticated the connection itself: all its sockets have the same token, which no channel carries. */
  function acknowledge(socket: RelayedSocket): void {
    if (ack === undefined) waitingForAck.add(socket);
    else socket.tell({ kind: 'message', data: ack });
  }

  function opened(): void {
    for (const socket of sockets.values()) socket.tell({ kind: 'opened' });
  }

  function received({ type, id = '' }: ProtocolMessage, data: string): void {
    if (type === 'connection_ack') {
      ack = data;
      for (const socket of waitingForAck) socket.tell({ kind: 'message', data });
      waitingForAck.clear();
      return;
    }
    operations.get(id)?.tell({ kind: 'message', data });
    if (type !== 'next') operations.delete(id);
  }

  function end(code: number, reason: string): void {
    if (isEnded) return;
    isEnded = true;
    cancelIdle();
    channel.close();
    connection?.close();
    for (const socket of sockets.values()) {
      socket.tell({ kind: 'closed', code, reason });
      socket.dispose();
    }
    resolve();
  }

  channel.post({ kind: 'hub', hub });
  return { ended, end: () => end(LOST, 'Another tab has taken the connection.') };
}

/** The socket of a tab, as the hub knows it. */
interface RelayedSocket {
  readonly id: string;
  tell(event: SocketEvent): void;
  dispose(): void;
}

/** `onDeath` is called when the tab of the socket is closed or has crashed: its lock is free then. */
function relay(hub: string, groupName: string, id: string, onDeath: () => void): RelayedSocket {
  const name = socketName(groupName, id);
  const channel: Channel<ToSocket> = openChannel<never, ToSocket>(name, () => {});
  const waiting = new AbortController();
  navigator.locks.request(name, { signal: waiting.signal }, onDeath).catch(() => {}); // Aborted.
  return {
    id,
    tell: (event) => channel.post({ hub, event }),
    dispose() {
      waiting.abort();
      channel.close();
    },
  };
}
