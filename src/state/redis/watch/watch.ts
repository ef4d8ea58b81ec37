import type { Clock } from '../../../clock.ts';
import type { WatchState } from '../../watch-state.ts';
import type { RedisConnection } from '../connection/connection.ts';
import type { LogEntry, LogReader } from '../connection/log-reader.ts';
import { createRedisScope } from './redis-scope.ts';
import { TELL } from './watch-scripts.ts';

const HINT_TTL_MS = 60_000;
const MAX_HINTS = 1000;

/** The watched jobs of all scopes that replicas share. */
export function createRedisWatch(redis: RedisConnection, reader: LogReader, clock: Clock): WatchState {
  const hints = redis.key('watch', 'hints');
  return {
    isShared: true,
    join: (scope, listener) => createRedisScope({ redis, reader, clock, scope, listener }),
    onHint(listener) {
      const onEntry = (entry: LogEntry) => {
        if (entry.get('replica') === redis.replicaId) return;
        const scope = entry.get('scope') ?? '';
        listener(entry.get('id') ?? '', scope === '' ? null : scope);
      };
      return reader.follow(hints, null, { kind: 'hints', onEntry, onGap() {} }); // The next poll shows the change.
    },
    hint(jobId, scope) {
      const fields = ['replica', redis.replicaId, 'id', jobId, 'scope', scope ?? ''];
      const tell = () => redis.run(TELL, [hints], [HINT_TTL_MS, MAX_HINTS, ...fields]);
      // Queries wait for the invalidation of the same change: it goes first, because a read ends with the first entry.
      setImmediate(() => void tell().catch(() => {})); // The next poll shows the change.
    },
  };
}
