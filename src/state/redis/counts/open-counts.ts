import { z } from 'zod';
import type { Clock } from '../../../clock.ts';
import type { OpenCounts, Opening } from '../../open-counts.ts';
import { MEMBER_TTL_MS, type RedisConnection } from '../connection/connection.ts';
import { digestOf } from '../connection/digest.ts';
import { reportFailure } from '../connection/redis-errors.ts';
import { defineScript } from '../connection/script.ts';

/** Each replica writes its counts again after this time: what was lost, or written late, is wrong for so long. */
const RENEW_MS = 10_000;
/** Counts that no replica renews expire. */
const COUNT_TTL_MS = 60_000;
/** Callers in one command. */
const BATCH = 200;

/**
 * Counts one more for a replica, if all replicas together have fewer than the maximum. A replica without heartbeat has none.
 *
 * KEYS: members, counts of the caller. ARGV: replica id, its count, maximum, milliseconds until a replica counts as gone, TTL.
 * Returns 1 if it is counted, else 0.
 */
const OPEN = defineScript(
  'subscriptions.open',
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local counts = redis.call('HGETALL', KEYS[2])
local own, total, isOpen = tonumber(ARGV[2]), tonumber(ARGV[2]), 0
for i = 1, #counts, 2 do
  if counts[i] ~= ARGV[1] then
    local seen = redis.call('ZSCORE', KEYS[1], counts[i])
    if seen and now - seen <= tonumber(ARGV[4]) then total = total + counts[i + 1]
    else redis.call('HDEL', KEYS[2], counts[i]) end
  end
end
if total < tonumber(ARGV[3]) then own, isOpen = own + 1, 1 end
if own > 0 then
  redis.call('HSET', KEYS[2], ARGV[1], own)
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
else redis.call('HDEL', KEYS[2], ARGV[1]) end
return isOpen
`,
);

/** Writes the counts of a replica. KEYS: counts of callers. ARGV: replica id, TTL, then its count for each caller. */
const WRITE = defineScript(
  'subscriptions.write',
  `
for i, key in ipairs(KEYS) do
  if tonumber(ARGV[2 + i]) > 0 then
    redis.call('HSET', key, ARGV[1], ARGV[2 + i])
    redis.call('PEXPIRE', key, ARGV[2])
  else redis.call('HDEL', key, ARGV[1]) end
end
return 0
`,
);

/** The open subscriptions of one caller on this replica, for example. */
interface Held {
  count: number;
  /** Steps that wait or run: they write the count one after the other. */
  steps: number;
  last: Promise<unknown>;
  /** Whether Redis may have another count. */
  isDirty: boolean;
}

export interface RedisOpenCounts extends OpenCounts {
  dispose(): void;
}

/** Counts by caller and replica. A replica that dies stops counting when its heartbeat is overdue. */
export function createRedisOpenCounts(redis: RedisConnection, name: string, clock: Clock): RedisOpenCounts {
  const held = new Map<string, Held>();
  let cancelTimer = () => {};

  function find(key: string): Held {
    const found = held.get(key) ?? { count: 0, steps: 0, last: Promise.resolve(), isDirty: false };
    held.set(key, found);
    return found;
  }

  /** Runs one step of a caller after its earlier ones. */
  function enqueue<T>(key: string, own: Held, step: () => Promise<T>): Promise<T> {
    own.steps++;
    const result = own.last.then(step).finally(() => {
      own.steps--;
      forgetIfEmpty(key, own);
    });
    own.last = result.catch(() => {});
    return result;
  }

  function forgetIfEmpty(key: string, own: Held): void {
    if (own.count === 0 && own.steps === 0 && !own.isDirty && held.get(key) === own) held.delete(key);
  }

  function close(key: string, own: Held): void {
    own.count--;
    own.isDirty = true;
    if (redis.isAvailable) void enqueue(key, own, () => write([[key, own]]));
  }

  const closeOnce = (key: string, own: Held) => {
    let isClosed = false;
    return () => {
      if (!isClosed) close(key, own);
      isClosed = true;
    };
  };

  /** Counts against the share of this replica. */
  function openAlone(key: string, own: Held, max: number): Opening {
    if (own.count >= Math.max(1, Math.floor(max / redis.replicas))) {
      forgetIfEmpty(key, own);
      return null;
    }
    own.count++;
    own.isDirty = true;
    return closeOnce(key, own);
  }

  async function openShared(key: string, own: Held, max: number): Promise<Opening> {
    try {
      const args = [redis.replicaId, own.count, max, MEMBER_TTL_MS, COUNT_TTL_MS];
      const isOpen = z.number().parse(await redis.run(OPEN, [redis.key('members'), key], args)) === 1;
      if (!isOpen) return null;
      own.count++;
      return closeOnce(key, own);
    } catch (error) {
      reportFailure('subscriptions', error);
      own.isDirty = true; // It can have been counted.
      return openAlone(key, own, max);
    }
  }

  /** Does not reject: what could not be written remains dirty. */
  async function write(callers: readonly (readonly [string, Held])[]): Promise<void> {
    const counts = callers.map(([, { count }]) => count);
    try {
      await redis.run(
        WRITE,
        callers.map(([key]) => key),
        [redis.replicaId, COUNT_TTL_MS, ...counts],
      );
      for (const [index, [key, own]] of callers.entries()) {
        if (own.count === counts[index]) own.isDirty = false;
        forgetIfEmpty(key, own);
      }
    } catch (error) {
      reportFailure('subscriptions', error);
    }
  }

  /** Writes all counts, except those that a step is about to write. */
  async function renew(): Promise<void> {
    const idle = [...held].filter(([, { steps }]) => steps === 0);
    for (let start = 0; start < idle.length && redis.isAvailable; start += BATCH) {
      const batch = idle.slice(start, start + BATCH).filter(([, { steps }]) => steps === 0);
      for (const [, own] of batch) own.isDirty = true;
      if (batch.length > 0) await write(batch);
    }
  }

  async function renewRepeatedly(): Promise<void> {
    cancelTimer = clock.after(RENEW_MS, () => void renewRepeatedly());
    await renew();
  }

  const stopListening = [
    redis.onReset(() => queueMicrotask(() => void renew())), // When `onChange` has been called, too.
    redis.onChange((isAvailable) => {
      if (isAvailable) void renew();
    }),
  ];
  void renewRepeatedly();

  return {
    open(caller, max) {
      const key = redis.key(name, digestOf(caller));
      const own = find(key);
      if (!redis.isAvailable) return openAlone(key, own, max);
      return enqueue(key, own, async () => (redis.isAvailable ? openShared(key, own, max) : openAlone(key, own, max)));
    },
    dispose() {
      cancelTimer();
      for (const stop of stopListening) stop();
    },
  };
}
