import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Clock } from '../../../clock.ts';
import type { RedisConnection } from './connection.ts';
import { reportFailure, reportUnreadable } from './redis-errors.ts';
import { afterReads } from './reply-timeout.ts';
import { defineScript } from './script.ts';

/** An entry of a log: its names and values. */
export type LogEntry = ReadonlyMap<string, string>;

export interface LogListener {
  /** The name of the log in log lines and metrics. */
  readonly kind: string;
  /** Throws when it cannot read the entry. `id`: its milliseconds by Redis' clock, and a number. */
  onEntry(entry: LogEntry, id: string): void;
  /** An entry was not read. */
  onGap(): void;
}

/**
 * Reads all logs that a replica follows, by one read that blocks, on a connection of its own. A log that is added wakes the
 * read by an entry in a log of this replica.
 */
export interface LogReader {
  /** Follows a log after an entry; null: after its present end. Returns the function that stops it. */
  follow(key: string, after: string | null, listener: LogListener): () => void;
  dispose(): void;
}

const BLOCK_MS = 400;
/** A read without a reply for longer is on a connection that is half open: changes arrive within a second all the same. */
const MAX_READ_MS = BLOCK_MS + 500;
const RETRY_MS = 100;
/** Entries of each log in one reply: it has to arrive in time, also with the largest bodies. */
const COUNT = 100;
const WAKE_TTL_SECONDS = 60;

/** KEYS: the log of wakes. ARGV: seconds until it expires. */
const WAKE = defineScript(
  'logs.wake',
  `
redis.call('XADD', KEYS[1], 'MAXLEN', 1, '*', 'wake', '1')
return redis.call('EXPIRE', KEYS[1], ARGV[1])
`,
);

const entrySchema = z.tuple([z.string(), z.array(z.string())]);
/** The reply of XREAD; null when no entry has come. */
const readReply = z.array(z.tuple([z.string(), z.array(entrySchema)])).nullable();

interface Followed {
  readonly key: string;
  after: string | null;
  readonly listener: LogListener;
}

export function createLogReader(redis: RedisConnection, clock: Clock): LogReader {
  const wakeKey = redis.key('watch', 'wake', redis.replicaId);
  const logs = new Set<Followed>();
  let wokenAt = '0-0';
  let connection: Redis | null = null;
  let [isRunning, isBlocked, isDisposed] = [false, false, false];

  async function run(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    connection ??= redis.openReader();
    const reader = connection;
    while (logs.size > 0 && !isDisposed) {
      const cancel = afterReads(clock, MAX_READ_MS, () => reader.disconnect(true));
      try {
        await read(reader);
      } catch (error) {
        reportFailure('logs', error);
        await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
      } finally {
        cancel();
      }
    }
    isRunning = false;
  }

  async function read(reader: Redis): Promise<void> {
    for (const log of logs) {
      if (log.after !== null) continue;
      const [last] = z.array(entrySchema).parse(await reader.xrevrange(log.key, '+', '-', 'COUNT', 1));
      log.after ??= last?.[0] ?? '0-0';
    }
    const following = [...logs];
    const keys = [wakeKey, ...following.map(({ key }) => key)];
    const positions = [wokenAt, ...following.map(({ after }) => after ?? '$')];
    isBlocked = true;
    try {
      const reply = await reader.xread('COUNT', COUNT, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...positions);
      for (const [key, entries] of readReply.parse(reply) ?? []) pass(key, entries, following);
    } finally {
      isBlocked = false;
    }
  }

  function pass(key: string, entries: readonly z.output<typeof entrySchema>[], following: readonly Followed[]) {
    if (key === wakeKey) wokenAt = entries.at(-1)?.[0] ?? wokenAt;
    for (const log of following) {
      if (log.key !== key) continue;
      for (const [id, fields] of entries) {
        if (!logs.has(log)) break; // Its listener has stopped it.
        log.after = id;
        passEntry(log.listener, toEntry(fields), id);
      }
    }
  }

  async function wake(): Promise<void> {
    if (!isBlocked) return;
    try {
      await redis.run(WAKE, [wakeKey], [WAKE_TTL_SECONDS]);
    } catch {
      // The read ends by itself.
    }
  }

  return {
    follow(key, after, listener) {
      const log = { key, after, listener };
      logs.add(log);
      void wake();
      void run();
      return () => void logs.delete(log);
    },
    dispose() {
      isDisposed = true;
      connection?.disconnect();
    },
  };
}

/** Passes an entry. One that cannot be read must not keep the next ones back. */
function passEntry(listener: LogListener, entry: LogEntry, id: string): void {
  try {
    listener.onEntry(entry, id);
  } catch (error) {
    reportUnreadable(listener.kind, error);
    listener.onGap();
  }
}

function toEntry(fields: readonly string[]): LogEntry {
  const entry = new Map<string, string>();
  for (let index = 0; index + 1 < fields.length; index += 2) entry.set(fields[index] ?? '', fields[index + 1] ?? '');
  return entry;
}
