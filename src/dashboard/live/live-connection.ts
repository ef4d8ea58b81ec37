import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Client, createClient } from 'graphql-ws/client';
import { after, currentMs, wait } from '../data/clock.ts';
import { loadSession } from '../data/session.ts';
import { readToken, replaceToken } from '../data/token.ts';
import { isOffline, onHiddenFor, untilUsable } from '../data/visibility.ts';
import { backoffMs } from './backoff.ts';
import { HANDED_OVER } from './messages.ts';
import { resumeSoon } from './resume.ts';
import { SharedSocket } from './shared-socket.ts';
import { initPayload, socketUrl } from './tab-group.ts';

/** `idle` without a subscription; `paused` while the page is hidden; `offline` while the browser is. */
export type ConnectionState = 'idle' | 'connecting' | 'live' | 'reconnecting' | 'paused' | 'offline';

const HIDDEN_MS = 30_000;
const PING_INTERVAL_MS = 15_000;
const PONG_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** Close code of a token that the gateway does not accept. */
const FORBIDDEN = 4403;

const state = signal<ConnectionState>('idle');
const newestMessage = signal<number | null>(null);

/** Number of subscriptions that have not ended. */
export const openSubscriptions = signal(0);

/** Number of subscriptions that the gateway has refused or ended with an error, and that are tried again. */
export const failingSubscriptions = signal(0);

export const connectionState: ReadonlySignal<ConnectionState> = computed(() => {
  if (state.value === 'live') return failingSubscriptions.value > 0 ? 'reconnecting' : 'live';
  return openSubscriptions.value === 0 ? 'idle' : state.value;
});

/** The time in milliseconds at which the gateway last sent something, pongs included; null before. */
export const lastMessageAt: ReadonlySignal<number | null> = newestMessage;

let shared: Client | undefined;

/** The client of the live connection, which all subscriptions share. */
export function client(): Client {
  shared ??= createSharedClient();
  return shared;
}

function createSharedClient(): Client {
  let cancelTimeout = () => {};
  let sentToken: string | null = null;
  let isRejected: string | undefined;
  let isHandedOver = false;
  /** Closes the connection when the network has lost it silently. */
  const expectWithin = (ms: number) => {
    cancelTimeout();
    cancelTimeout = after(ms, () => created.terminate());
  };
  const created = createClient({
    webSocketImpl: SharedSocket,
    url() {
      sentToken = readToken(); // As the socket does: it can take a while to open, and the user can enter a token meanwhile.
      return socketUrl();
    },
    connectionParams: () => initPayload(sentToken),
    lazyCloseTimeout: 3000, // Another page of the dashboard subscribes within it.
    keepAlive: PING_INTERVAL_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    async retryWait(retries) {
      if (isRejected !== undefined) {
        const reason = sentToken === null ? 'missing' : 'invalid';
        const hasToken = await replaceToken(sentToken, reason, sentToken === null ? '' : isRejected);
        isRejected = undefined;
        if (hasToken) {
          void loadSession(); // Another caller can have another role.
          return;
        }
        state.value = 'idle';
        await new Promise(() => {}); // The page is loaded again with a token.
      }
      if (!isHandedOver) await wait(backoffMs(retries));
      isHandedOver = false;
      await untilUsable();
    },
    on: {
      connecting: (isRetry) => {
        state.value = isRetry ? 'reconnecting' : 'connecting';
        expectWithin(CONNECT_TIMEOUT_MS);
      },
      connected: (_socket, _payload, isRetry) => {
        cancelTimeout();
        state.value = 'live';
        newestMessage.value = currentMs();
        if (isRetry) resumeSoon();
      },
      message: () => {
        newestMessage.value = currentMs();
      },
      ping: (isReceived) => {
        if (!isReceived) expectWithin(PONG_TIMEOUT_MS);
      },
      pong: (isReceived) => {
        if (isReceived) cancelTimeout();
      },
      closed: (event) => {
        cancelTimeout();
        if (!(event instanceof CloseEvent)) state.value = document.hidden ? 'paused' : 'reconnecting';
        else {
          if (event.code === FORBIDDEN) isRejected = event.reason;
          isHandedOver = event.code === HANDED_OVER;
          state.value = event.code === 1000 ? 'idle' : isOffline() ? 'offline' : 'reconnecting';
        }
      },
    },
  });
  onHiddenFor(HIDDEN_MS, () => created.terminate());
  globalThis.addEventListener('offline', () => {
    if (state.value === 'idle' || !isOffline()) return;
    created.terminate();
    state.value = 'offline';
  });
  return created;
}
