import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { type FleetReservation, fleetReservation } from '../../telemetry/fleet-events.ts';
import type { Ledger, LedgerJob, LedgerOutcome, Reservation } from '../ledger.ts';
import type { RedisConnection } from './connection/connection.ts';
import { EXTEND, RESERVE, reserveReply, SETTLE } from './ledger-scripts.ts';

/** Milliseconds from the first heartbeat in an empty Redis until every replica that had data in it has told so. */
const YOUNG_EPOCH_MS = 5000;
/** A key without a job is removed so long after its reservation: longer than an outcome counts as unknown. */
const UNUSED_MS = 3_600_000;
/** A key with a job is removed after 7 days. Then its job is found by a search. */
const MADE_MS = 7 * 86_400_000;
/** Maximum jobs in the memory of a replica, and outcomes that wait until Redis answers. */
const MAX_KEYS = 10_000;

/** The ledger of all replicas. */
export interface RedisLedger extends Ledger, Disposable {}

export function createRedisLedger(redis: RedisConnection, clock: Clock): RedisLedger {
  const made = new LRUCache<string, LedgerJob>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });
  const unsettled = new LRUCache<string, () => void>({ maxSize: MAX_KEYS, sizeCalculation: () => 1 });
  const epochKey = redis.key('epoch');
  const nameOf = (key: string) => redis.key('create', key);

  const stopWatching = redis.onChange((isAvailable) => {
    if (isAvailable) for (const settle of [...unsettled.values()]) settle();
  });

  /** Records an outcome; again when Redis answers again, until it is recorded. */
  function record(names: readonly string[], token: string, args: readonly (string | number)[]): void {
    const send = () =>
      redis.run(SETTLE, names, [token, ...args]).then(
        () => unsettled.delete(token),
        () => unsettled.set(token, send),
      );
    void send();
  }

  function open(keys: readonly string[], token: string, leaseMs: number, facts: OpenFacts): Reservation {
    const names = keys.map(nameOf);
    const extend = async (ms: number, isSent: boolean) =>
      (await redis.run(EXTEND, [epochKey, ...names], [token, facts.epoch, ms, UNUSED_MS, isSent ? 1 : 0])) === 1;
    let cancelRenewal = () => {};
    let isSettled = false;
    const renewLater = () => {
      cancelRenewal = clock.after(leaseMs / 3, () => {
        renewLater();
        extend(leaseMs, false).catch(() => {}); // `begin` finds out whether the reservation still holds.
      });
    };
    renewLater();
    const settle = (outcome: LedgerOutcome) => {
      cancelRenewal();
      if (isSettled && outcome.kind !== 'made') return;
      isSettled = true;
      if (outcome.kind === 'free') return record(names, token, ['free', 0, '', '', 0]);
      const position = keys.indexOf(outcome.key) + 1;
      if (outcome.kind === 'unknown') return record(names, token, ['unknown', position, '', '', 0]);
      const { jobId, request } = outcome.job;
      made.set(outcome.key, outcome.job);
      record(names, token, ['made', position, jobId, request, MADE_MS]);
    };
    return {
      kind: 'reserved',
      unknown: facts.unknown,
      async begin(ms) {
        cancelRenewal();
        return await extend(ms, true);
      },
      settle,
      [Symbol.dispose]: () => settle({ kind: 'free' }),
    };
  }

  return {
    reserve(keys, { leaseMs, createMs }) {
      const known = keys.find((key) => made.has(key));
      const job = known === undefined ? undefined : made.get(known);
      if (known === undefined || job === undefined) return reserveShared(keys, leaseMs, createMs);
      report('made');
      return { kind: 'made', key: known, job };
    },
    [Symbol.dispose]: stopWatching,
  };

  async function reserveShared(keys: readonly string[], leaseMs: number, createMs: number) {
    const token = crypto.randomUUID();
    const args = [token, leaseMs, createMs, YOUNG_EPOCH_MS, UNUSED_MS];
    const run = redis.run(RESERVE, [epochKey, ...keys.map(nameOf)], args);
    const reply = reserveReply.parse(await run.catch(refuse));
    report(reply[0] === 'reserved' && reply[2] !== null ? 'unknown' : reply[0]);
    if (reply[0] === 'pending') return { kind: 'pending', waitMs: reply[1] } as const;
    if (reply[0] === 'reserved') {
      const [, epoch, forMs, loss] = reply;
      return open(keys, token, leaseMs, { epoch, unknown: forMs === null ? null : { forMs, isLoss: loss === 1 } });
    }
    const [, index, jobId, request] = reply;
    const key = keys[index] ?? '';
    const job = { jobId, request };
    made.set(key, job);
    return { kind: 'made', key, job } as const;
  }
}

function refuse(error: unknown): never {
  report('refused');
  throw error;
}

function report(outcome: FleetReservation['outcome']): void {
  if (fleetReservation.hasSubscribers) fleetReservation.publish({ outcome });
}

interface OpenFacts {
  /** The epoch of Redis at the reservation. */
  readonly epoch: string;
  readonly unknown: Reservation['unknown'];
}
