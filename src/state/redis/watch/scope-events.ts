import type { SharedEvents } from '../../watch-state.ts';
import type { RedisConnection } from '../connection/connection.ts';
import type { LogEntry } from '../connection/log-reader.ts';
import { MAX_ENTRIES, type ScopeKeys, TTL_MS } from './watch-keys.ts';
import { ADD_EVENTS } from './watch-scripts.ts';

/** Maximum length of events in one entry, as JSON. */
const MAX_PAGE_CHARACTERS = 65_536;

/** Entries are removed after so long when events are added: a replica that is later reads the logs itself. */
const MAX_AGE_MS = 60_000;

/** Appends events of a job to the log of its scope. Rejects with FleetUnavailable. */
export async function addEvents(redis: RedisConnection, keys: ScopeKeys, events: SharedEvents): Promise<void> {
  const page = events.page !== null && events.page.length <= MAX_PAGE_CHARACTERS ? events.page : '';
  const about = ['kind', 'events', 'id', events.jobId, 'replica', redis.replicaId];
  const fields = [...about, 'page', page, 'closed', events.isClosed ? '1' : '0'];
  await redis.run(ADD_EVENTS, [keys.log, keys.meta], [TTL_MS, MAX_ENTRIES, MAX_AGE_MS, ...fields]);
}

/** Returns the events of an entry. */
export function eventsOf(entry: LogEntry): SharedEvents {
  return { jobId: entry.get('id') ?? '', page: entry.get('page') || null, isClosed: entry.get('closed') === '1' };
}
