import { after } from '../data/clock.ts';
import { createHub, type Hub } from './hub.ts';
import { parseMessage } from './hub-connection.ts';
import {
  type Channel,
  HANDED_OVER,
  type HubNotice,
  openChannel,
  socketName,
  type ToHub,
  type ToSocket,
} from './messages.ts';
import type { TabGroup } from './tab-group.ts';

/** A hub that accepts no socket within this time is replaced: a debugger can have stopped its tab, for example. */
const ACCEPT_TIMEOUT_MS = 5_000;

/** Takes the messages of a socket to the gateway. */
export interface Link {
  send(data: string): void;
  close(code: number, reason: string): void;
}

export interface LinkEvents {
  opened(): void;
  message(data: string): void;
  /** Called once, unless `close` was. */
  closed(code: number, reason: string): void;
}

/**
 * Resolves to a link over the hub of the group, in this tab or in another one; to undefined when that hub is full. Rejects
 * when `closed` is aborted before, and when the browser refuses its locks.
 */
export async function openRelayedLink(
  group: TabGroup,
  events: LinkEvents,
  closed: AbortSignal,
): Promise<Link | undefined> {
  const id = crypto.randomUUID();
  const left = new AbortController();
  const { promise: isAccepted, resolve, reject } = Promise.withResolvers<boolean>();
  let hub: string | undefined;
  await holdLock(socketName(group.name, id), left.signal);
  const cancelReplacement = after(ACCEPT_TIMEOUT_MS, () => lead(group, { steal: true }));

  const toHub: Channel<ToHub> = openChannel<ToHub | HubNotice, ToHub>(group.name, (message) => {
    if (message.kind !== 'hub' || message.hub === hub) return;
    if (hub === undefined) toHub.post({ kind: 'open', id });
    else end(HANDED_OVER, 'Another tab has the connection.');
  });
  const fromHub = openChannel<ToSocket, never>(socketName(group.name, id), ({ hub: sender, event }) => {
    if (hub !== undefined && hub !== sender) return; // It was replaced.
    if (event.kind === 'message') events.message(event.data);
    else if (event.kind === 'opened') events.opened();
    else if (event.kind === 'closed') end(event.code, event.reason);
    else {
      cancelReplacement();
      if (event.kind === 'full') leave();
      else hub = sender;
      resolve(event.kind === 'accepted');
    }
  });

  function leave(): void {
    left.abort();
    cancelReplacement();
    closed.removeEventListener('abort', close);
    toHub.close();
    fromHub.close();
  }
  function close(): void {
    toHub.post({ kind: 'close', id });
    leave();
    reject(closed.reason);
  }
  function end(code: number, reason: string): void {
    leave();
    events.closed(code, reason);
  }

  closed.addEventListener('abort', close);
  if (closed.aborted) close();
  else {
    lead(group, { signal: left.signal });
    toHub.post({ kind: 'open', id });
  }
  const link = { send: (data: string) => toHub.post({ kind: 'send', id, data: withoutToken(data) }), close };
  return (await isAccepted) ? link : undefined;
}

/** The hub has the token of the group: no other page of this origin can read it from the channel. */
const withoutToken = (data: string): string =>
  parseMessage(data).type === 'connection_init' ? '{"type":"connection_init"}' : data;

/** Resolves when the lock is held: until `released` is aborted, or the tab is closed. */
function holdLock(name: string, released: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hold = () => {
    resolve();
    return new Promise<void>((release) => released.addEventListener('abort', () => release()));
  };
  navigator.locks.request(name, hold).catch(reject);
  return promise;
}

/** Waits until no other tab has the hub of the group, and then has it as long as its connection lives. */
async function lead(group: TabGroup, options: LockOptions): Promise<void> {
  let hub: Hub | undefined;
  const run = () => {
    hub = createHub(group);
    return hub.ended;
  };
  try {
    await navigator.locks.request(group.name, options, run);
  } catch {
    hub?.end(); // Its lock was stolen. Without a hub, `options.signal` was aborted.
  }
}
