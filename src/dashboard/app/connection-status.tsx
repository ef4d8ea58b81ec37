import { nowSeconds } from '../data/clock.ts';
import { type ConnectionState, connectionState, lastMessageAt } from '../live/live-connection.ts';
import { isConnectionLost } from '../live/shown-time.ts';
import { formatAgo, formatClock, formatTime } from '../ui/formats.ts';

const WORDS: Readonly<Record<ConnectionState, string>> = {
  idle: '',
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Reconnecting',
  paused: 'Paused',
  offline: 'Offline',
};

/** The state of the live connection, and the age of what the page shows. */
export function ConnectionStatus() {
  const state = connectionState.value;
  const at = lastMessageAt.value;
  if (at !== null && isConnectionLost.value) return <LostConnection state={state} at={Math.floor(at / 1000)} />;
  const age = at === null ? '' : `updated ${formatAgo(nowSeconds.value - Math.floor(at / 1000))}`;
  return (
    <span class="connection" data-state={state}>
      <span role="status">{WORDS[state]}</span>
      {state !== 'idle' && age !== '' && <span class="quiet connection-age">{age}</span>}
    </span>
  );
}

/** `at` is the time of the last message in seconds since 1970. */
function LostConnection({ state, at }: { state: ConnectionState; at: number }) {
  const detail = state === 'idle' ? 'no token' : WORDS[state].toLowerCase();
  return (
    <span
      class="connection"
      data-state={state === 'idle' ? 'offline' : state}
      title={`Not live (${detail}). The page shows the state of ${formatTime(at)}.`}
    >
      <span role="status">
        Not live<span class="connection-detail">: {detail}</span>
      </span>
      <span class="quiet connection-age">
        <span class="connection-detail">shown </span>as of {formatClock(at)}
      </span>
    </span>
  );
}
