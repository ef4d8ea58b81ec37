import type { Clock } from '../../clock.ts';
import { fleetGap, fleetInvalidationReceived, fleetInvalidationsSent } from '../../telemetry/fleet-events.ts';
import type { Invalidation, InvalidationListener, Invalidations } from '../invalidations.ts';
import type { RedisConnection } from './connection/connection.ts';
import type { LogEntry, LogReader } from './connection/log-reader.ts';
import { reportFailure } from './connection/redis-errors.ts';
import { LOCATE, location, PUBLISH, readChange, serialOf } from './invalidation-stream.ts';

const RETRY_MS = 1000;
/** Changes that wait for Redis. Above, they become one change of everything. */
const MAX_PENDING = 1000;
const EVERYTHING: Invalidation = { scope: null, noun: 'everything', id: '' };

/** The changes in a stream of Redis. Entries are numbered: a number that is left out is a change that was missed. */
export function createRedisInvalidations(redis: RedisConnection, reader: LogReader, clock: Clock): Invalidations {
  const stream = redis.key('invalidations');
  const counter = redis.key('invalidations', 'count');
  /** By text, so that equal changes are told once. The number tells a repetition from the one that is on its way. */
  const pending = new Map<string, number>();
  let published = 0;
  let isFlushing = false;

  /** Sends the pending changes. Those without an acknowledgement are sent again when Redis answers: a repetition is harmless. */
  async function flush(): Promise<void> {
    if (isFlushing) return;
    isFlushing = true;
    try {
      await null; // Changes of one mutation are sent together.
      while (pending.size > 0 && redis.isAvailable) {
        const batch = [...pending];
        await redis.run(PUBLISH, [stream, counter], [redis.replicaId, ...batch.map(([text]) => text)]);
        if (fleetInvalidationsSent.hasSubscribers) fleetInvalidationsSent.publish({ changes: batch.length });
        for (const [text, number] of batch) if (pending.get(text) === number) pending.delete(text);
      }
    } catch (error) {
      reportFailure('invalidations', error); // Sent again by the next change, or when Redis answers again.
    } finally {
      isFlushing = false;
    }
  }
  redis.onChange((isAvailable) => isAvailable && void flush());

  return {
    publish(invalidation) {
      pending.set(JSON.stringify(invalidation), ++published);
      if (pending.size > MAX_PENDING) {
        pending.clear();
        pending.set(JSON.stringify(EVERYTHING), ++published);
      }
      void flush();
    },
    follow: (listener) => follow({ redis, reader, clock, stream, counter, listener }),
  };
}

interface FollowOptions {
  readonly redis: RedisConnection;
  readonly reader: LogReader;
  readonly clock: Clock;
  readonly stream: string;
  readonly counter: string;
  readonly listener: InvalidationListener;
}

/** Follows the stream from its end on, again each time when Redis is back or can have lost data. */
function follow({ redis, reader, clock, stream, counter, listener }: FollowOptions): () => void {
  let lastSerial = 0;
  let isStopped = false;
  let stopReading = () => {};
  let cancelRetry = () => {};

  /** Earlier changes are covered by a gap: it begins after the end was found. */
  async function start(): Promise<void> {
    cancelRetry();
    try {
      const [id, serial] = location.parse(await redis.run(LOCATE, [stream, counter], []));
      if (isStopped) return;
      stopReading();
      lastSerial = serial;
      stopReading = reader.follow(stream, id, { kind: 'invalidations', onEntry, onGap });
      listener.onGap();
    } catch (error) {
      reportFailure('invalidations', error);
      if (!isStopped) cancelRetry = clock.after(RETRY_MS, () => void start());
    }
  }

  function onGap(): void {
    if (fleetGap.hasSubscribers) fleetGap.publish({ kind: 'invalidations' });
    listener.onGap();
  }

  function onEntry(entry: LogEntry, id: string): void {
    const serial = serialOf(entry);
    if (serial !== lastSerial + 1) onGap();
    lastSerial = serial;
    if (entry.get('replica') === redis.replicaId) return;
    listener.onInvalidation(readChange(entry));
    if (!fleetInvalidationReceived.hasSubscribers) return;
    fleetInvalidationReceived.publish({ seconds: Math.max(0, clock.timeOfDay() - Number.parseInt(id, 10)) / 1000 });
  }

  const stops = [redis.onReset(() => void start()), redis.onChange((isAvailable) => isAvailable && void start())];
  if (redis.isAvailable) void start();
  return () => {
    isStopped = true;
    cancelRetry();
    stopReading();
    for (const stop of stops) stop();
  };
}
