import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { currentMs, nowSeconds } from '../data/clock.ts';
import { isTokenDeclined } from '../data/token.ts';
import { connectionState, lastMessageAt } from './live-connection.ts';

/** Whether the page shows what a lost connection has delivered, and nothing newer. */
export const isConnectionLost: ReadonlySignal<boolean> = computed(() => {
  const state = connectionState.value;
  if (lastMessageAt.value === null) return false;
  return state === 'reconnecting' || state === 'offline' || (state === 'idle' && isTokenDeclined.value);
});

/** When the connection was lost, in seconds since 1970; null while it is not. */
const lostAt = signal<number | null>(null);
effect(() => {
  lostAt.value = isConnectionLost.value ? (lostAt.peek() ?? Math.floor(currentMs() / 1000)) : null;
});

/** The time in seconds since 1970 of what the page shows: `nowSeconds`, which stands still while the connection is lost. */
export const shownSeconds = {
  get value(): number {
    return lostAt.value ?? nowSeconds.value;
  },
};
