/** A message from the socket of a tab, which has this id, to the hub. */
export type ToHub =
  | { readonly kind: 'open'; readonly id: string }
  | { readonly kind: 'send'; readonly id: string; readonly data: string }
  | { readonly kind: 'close'; readonly id: string };

/** A message to all tabs: the tab with this hub has the connection now. */
export interface HubNotice {
  readonly kind: 'hub';
  readonly hub: string;
}

/** The events of a socket, as a hub tells them. */
export type SocketEvent =
  | { readonly kind: 'accepted' } // The connection of the hub can still be opening.
  | { readonly kind: 'full' } // The hub has as many sockets or operations as a connection should.
  | { readonly kind: 'opened' }
  | { readonly kind: 'message'; readonly data: string }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

/** A message of a hub to the socket of a tab. */
export interface ToSocket {
  readonly hub: string;
  readonly event: SocketEvent;
}

/** Close code of a socket whose connection moves to another tab: nothing has failed. */
export const HANDED_OVER = 4900;

/** Close code of a connection that was lost without a close frame. */
export const LOST = 1006;

/** The sending side of a channel between the tabs of this origin. */
export interface Channel<Out> {
  /** Does nothing when the channel is closed. */
  post(message: Out): void;
  close(): void;
}

export function openChannel<In, Out>(name: string, receive: (message: In) => void): Channel<Out> {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<In>) => receive(data);
  let isOpen = true;
  return {
    post(message) {
      if (isOpen) channel.postMessage(message);
    },
    close() {
      isOpen = false;
      channel.close();
    },
  };
}

/** The name of the channel to a socket, and of the lock that it holds as long as its tab lives. */
export const socketName = (group: string, id: string): string => `${group}/${id}`;
