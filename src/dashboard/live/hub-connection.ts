import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws/client';
import { after } from '../data/clock.ts';
import { LOST } from './messages.ts';
import { initPayload, type TabGroup } from './tab-group.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const PING_INTERVAL_MS = 15_000;
const PONG_TIMEOUT_MS = 5_000;

/** A message of graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md). */
export interface ProtocolMessage {
  readonly type: string;
  /** Of an operation: unique among all tabs. */
  readonly id?: string;
  readonly payload?: unknown;
}

/** The messages of graphql-ws and of the gateway have the form of the protocol. */
export const parseMessage = (data: string): ProtocolMessage => JSON.parse(data);

interface HubConnectionEvents {
  opened(): void;
  /** Called for all messages but pings and pongs. */
  received(message: ProtocolMessage, data: string): void;
  /** Called once, unless `close` was. */
  closed(code: number, reason: string): void;
}

/** The WebSocket of a hub. It is closed when the network has lost it silently. */
export interface HubConnection {
  readonly isOpen: boolean;
  send(message: ProtocolMessage): void;
  /** Sends a ping. `onPong` is called when the gateway has answered it. */
  ping(onPong: () => void): void;
  close(): void;
}

/** Opens a connection and authenticates it. */
export function openHubConnection({ url, token }: TabGroup, events: HubConnectionEvents): HubConnection {
  const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  /** Of pings that are not answered: the gateway answers in their order. */
  let waitingForPong: (() => void)[] = [];
  let cancelTimer = after(CONNECT_TIMEOUT_MS, () => lose('The gateway does not answer.'));

  const send = (message: ProtocolMessage) => socket.send(JSON.stringify(message));
  socket.onopen = () => {
    send({ type: 'connection_init', payload: initPayload(token) });
    pingLater();
    events.opened();
  };
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const message = parseMessage(data);
    if (message.type === 'pong') waitingForPong.shift()?.();
    else if (message.type === 'ping') send({ type: 'pong' });
    else events.received(message, data);
  };
  socket.onclose = ({ code, reason }) => {
    cancelTimer();
    events.closed(code, reason);
  };

  function ping(onPong: () => void): void {
    waitingForPong.push(onPong);
    send({ type: 'ping' });
  }
  function pingLater(): void {
    cancelTimer();
    cancelTimer = after(PING_INTERVAL_MS, () => {
      ping(pingLater);
      cancelTimer = after(PONG_TIMEOUT_MS, () => lose('The network has lost the connection.'));
    });
  }
  function close(): void {
    cancelTimer();
    waitingForPong = [];
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
  }
  function lose(reason: string): void {
    close(); // Its close event can take minutes.
    events.closed(LOST, reason);
  }

  return {
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    send,
    ping,
    close,
  };
}
