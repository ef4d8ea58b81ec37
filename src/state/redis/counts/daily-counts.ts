import { type Clock, sleep } from '../../../clock.ts';
import { fleetCountsAwaited } from '../../../telemetry/fleet-events.ts';
import type { DailyCounts, DailyUnit } from '../../daily-counts.ts';
import { FleetUnavailable } from '../../fleet-unavailable.ts';
import type { RedisConnection } from '../connection/connection.ts';
import { digestOf } from '../connection/digest.ts';
import { reportFailure } from '../connection/redis-errors.ts';
import { type Count, createDailyFacts, type NamedFact } from './daily-facts.ts';
import { createFactRepair } from './daily-repair.ts';
import { MERGE, SYNC, syncReply, TAKE, takeReply } from './daily-scripts.ts';

/** Time between two looks at what other replicas have counted. */
const SYNC_MS = 1000;
/** Looks between two sweeps. */
const SWEEP_EVERY = 120;
/** Counts in one reply. */
const BATCH = 200;
/** A new day, or a reset a moment ago, makes one more attempt necessary. */
const MAX_ATTEMPTS = 4;
/** Facts that are awaited for longer than this may never come. */
const LONG_WAIT_MS = 15_000;

/**
 * Counts in Redis, of which each replica knows a copy.
 *
 * - Redis can have lost data: no unit is taken until the replicas have written what they know (FactRepair).
 * - Redis did not answer: no unit was taken. If it is counted all the same, the replica corrects the count later.
 */
export interface RedisDailyCounts extends DailyCounts {
  /** Writes what Redis lacks, if it answers. */
  dispose(): Promise<void>;
}

export function createRedisDailyCounts(redis: RedisConnection, clock: Clock): RedisDailyCounts {
  const facts = createDailyFacts(redis.replicaId);
  const prefix = redis.key('daily', 'count', '');
  const [epoch, meta, log] = [redis.key('epoch'), redis.key('daily', 'meta'), redis.key('daily', 'log')];
  const [gate, members] = [redis.key('daily', 'gate'), redis.key('members')];
  const disposal = new AbortController();
  const repair = createFactRepair(redis, { epoch, meta, gate }, () => write(facts.all()));
  let version = 0;
  let awaitedSince: number | null = null;
  let isWorking = false;
  let looks = 0;
  let cancelTimer = () => {};

  const entryOf = (operation: string, caller: string) => `${operation}:${digestOf(caller)}`;

  async function takeOne(count: Count, limit: number): Promise<DailyUnit> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !repair.isNeeded; attempt++) {
      const { entry } = count;
      const sequence = facts.nextSequence();
      const own = facts.ownOf(count);
      const args = [redis.epoch, facts.day, entry, redis.replicaId, sequence, own, limit];
      const reply = await redis.run(TAKE, [epoch, meta, log, gate, prefix + entry], args).catch((error: unknown) => {
        facts.setOwn(count, own); // The unit can have been counted, or be counted later.
        throw error;
      });
      const [status, value, hash] = takeReply.parse(reply);
      if (status === 'day') facts.setDay(value);
      else if (status === 'settling') await sleep(value, clock, disposal.signal);
      else if (status === 'taken' || status === 'full') {
        facts.setOwn(count, status === 'taken' ? own + 1 : own, sequence);
        facts.read(entry, hash);
        return status === 'taken' ? { isTaken: true, refund: refundOnce(count) } : { isTaken: false, at: value };
      } else break;
    }
    throw incomplete();
  }

  function refundOnce(count: Count): () => void {
    const { day } = facts;
    let isRefunded = false;
    return () => {
      if (isRefunded) return;
      isRefunded = true;
      void facts.enqueue(count, async () => {
        if (facts.day !== day) return; // A unit of an earlier day.
        facts.setOwn(count, facts.ownOf(count) - 1);
        await write([...facts.dirty()].filter(([entry]) => entry === count.entry)).catch(() => {}); // Written later.
      });
    };
  }

  const incomplete = () => new FleetUnavailable(INCOMPLETE, isWaitLong() ? 60 : 2);
  const isWaitLong = () => awaitedSince !== null && clock.now() - awaitedSince > LONG_WAIT_MS;

  /** Resolves to whether the facts are written: there was no reset. */
  async function write(all: Iterable<NamedFact>): Promise<boolean> {
    const current = redis.epoch;
    for (const batch of chunksOf([...all], BATCH)) {
      const reply = await redis.run(MERGE, [epoch, meta, log], [current, facts.day, prefix, ...batch.flat()]);
      if (reply !== 1) return false;
      facts.setWritten(batch);
    }
    return true;
  }

  /** Reads what has changed since the last look. */
  async function sync(): Promise<void> {
    for (;;) {
      const args = [redis.epoch, version, prefix, BATCH];
      const reply = await redis.run(SYNC, [epoch, meta, log, gate, members], args);
      const [isCurrent, day, awaited, active, lastChange, entries] = syncReply.parse(reply);
      if (isCurrent === 0 || repair.isNeeded) return;
      facts.setDay(day);
      for (const [entry, hash] of entries) facts.read(entry, hash);
      version = lastChange;
      if (entries.length === BATCH) continue;
      repair.recordActive(active, awaited === 0);
      awaitedSince = awaited === 0 ? null : (awaitedSince ?? clock.now());
      if (isWaitLong() && fleetCountsAwaited.hasSubscribers) fleetCountsAwaited.publish({ replicas: awaited });
      return;
    }
  }

  /** Does not reject: what fails is tried again with the next look. */
  async function work(): Promise<void> {
    if (isWorking || !redis.isAvailable) return;
    isWorking = true;
    try {
      if (repair.isNeeded) await repair.run();
      else await write(facts.dirty());
      await sync();
      if (++looks % SWEEP_EVERY === 0) facts.sweep();
    } catch (error) {
      reportFailure('daily counts', error);
    } finally {
      isWorking = false;
    }
  }

  function workRepeatedly(): void {
    cancelTimer = clock.after(SYNC_MS, workRepeatedly);
    void work();
  }

  const stopListening = [
    redis.onReset(() => {
      version = 0;
      repair.require();
      queueMicrotask(() => void work()); // When `onChange` has been called, too.
    }),
    redis.onChange((isAvailable) => {
      if (isAvailable) void work();
    }),
  ];
  workRepeatedly();

  return {
    countOf: (operation, caller) => facts.totalOf(entryOf(operation, caller)),
    take(operation, caller, limit) {
      const count = facts.find(entryOf(operation, caller));
      return facts.enqueue(count, () => takeOne(count, limit));
    },
    async dispose() {
      disposal.abort(new FleetUnavailable());
      cancelTimer();
      for (const stop of stopListening) stop();
      await work();
    },
  };
}

const INCOMPLETE =
  'Redis has lost data, and not all replicas of the gateway have counted again what callers did today.';

function chunksOf<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
