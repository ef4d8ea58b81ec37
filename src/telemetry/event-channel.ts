import { channel } from 'node:diagnostics_channel';

/** A channel of node:diagnostics_channel with typed messages. Publishers check `hasSubscribers` before they create one. */
export interface EventChannel<E extends object> {
  readonly hasSubscribers: boolean;
  publish(event: E): void;
  subscribe(listener: (event: E) => void): void;
  unsubscribe(listener: (event: E) => void): void;
}

/** Returns the channel of this name. */
export function eventChannel<E extends object>(name: string): EventChannel<E> {
  return channel(name) as unknown as EventChannel<E>; // Only this module's users publish on it, and their messages are typed.
}

/** Subscribes to a channel. Returns the function that unsubscribes. */
export function listen<E extends object>(events: EventChannel<E>, listener: (event: E) => void): () => void {
  events.subscribe(listener);
  return () => events.unsubscribe(listener);
}
