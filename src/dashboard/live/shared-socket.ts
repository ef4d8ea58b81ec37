import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws/client';
import { readToken } from '../data/token.ts';
import { type Link, type LinkEvents, openRelayedLink } from './relayed-link.ts';
import { canShare, tabGroup } from './tab-group.ts';

/**
 * A WebSocket for `createClient` of graphql-ws, which tabs with the same token share: one of them, elected by a lock, has
 * the connection. Without that tab, another one opens a connection, and the sockets close with `HANDED_OVER`. A tab has a
 * connection of its own where the browser cannot share one, and where the shared one has no room.
 */
export class SharedSocket {
  static readonly CONNECTING = WebSocket.CONNECTING;
  static readonly OPEN = WebSocket.OPEN;
  static readonly CLOSING = WebSocket.CLOSING;
  static readonly CLOSED = WebSocket.CLOSED;

  onopen: (() => void) | null = null;
  onmessage: ((event: MessageEvent<string>) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  readyState: number = WebSocket.CONNECTING;

  #link: Link | undefined;
  readonly #closing = new AbortController();

  constructor(url: string) {
    void this.#connect(url);
  }

  send(data: string): void {
    if (this.readyState === WebSocket.OPEN) this.#link?.send(data);
  }

  close(code = 1000, reason = ''): void {
    if (this.readyState >= WebSocket.CLOSING) return;
    this.readyState = WebSocket.CLOSING;
    this.#closing.abort();
    this.#link?.close(code, reason);
    queueMicrotask(() => this.#closed(code, reason)); // As in a WebSocket, the caller can still remove its handler.
  }

  async #connect(url: string): Promise<void> {
    const events: LinkEvents = {
      opened: () => {
        if (this.readyState !== WebSocket.CONNECTING) return;
        this.readyState = WebSocket.OPEN;
        this.onopen?.();
      },
      message: (data) => this.onmessage?.(new MessageEvent('message', { data })),
      closed: (code, reason) => this.#closed(code, reason),
    };
    const relayed = await this.#relayedLink(events);
    if (this.readyState === WebSocket.CONNECTING) this.#link = relayed ?? ownLink(url, events);
  }

  async #relayedLink(events: LinkEvents): Promise<Link | undefined> {
    if (!canShare()) return undefined;
    try {
      return await openRelayedLink(await tabGroup(readToken()), events, this.#closing.signal);
    } catch {
      return undefined; // Closed meanwhile, or the browser refuses locks to this page.
    }
  }

  #closed(code: number, reason: string): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.onclose?.(new CloseEvent('close', { code, reason }));
  }
}

function ownLink(url: string, events: LinkEvents): Link {
  const socket = new WebSocket(url, GRAPHQL_TRANSPORT_WS_PROTOCOL);
  socket.onopen = events.opened;
  socket.onmessage = ({ data }: MessageEvent<string>) => events.message(data);
  socket.onclose = ({ code, reason }) => events.closed(code, reason);
  return socket;
}
