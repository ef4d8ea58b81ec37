import type { RedisConnection } from '../connection/connection.ts';
import { AWAIT, COMPLETE } from './daily-scripts.ts';

/**
 * The repair of the daily counts after Redis can have lost data, by one replica.
 *
 * It writes all facts that it knows: its own, and those of others up to its last look. Until all replicas that were active at
 * that look have done the same, the gate stays closed: units that another one took later, only that one knows. One that has died
 * meanwhile keeps the gate closed until the end of the day: it can have taken any number of units.
 */
export interface FactRepair {
  /** Whether Redis may lack facts that this replica knows. No unit is taken meanwhile. */
  readonly isNeeded: boolean;
  require(): void;
  /** Writes the facts. Rejects with FleetUnavailable; then, or after another reset, it is still needed. */
  run(): Promise<void>;
  /** Records who was active at a look at the counts, and whether the gate was open. */
  recordActive(replicaIds: readonly string[], isOpen: boolean): void;
}

export function createFactRepair(
  redis: RedisConnection,
  keys: { readonly epoch: string; readonly meta: string; readonly gate: string },
  writeAll: () => Promise<boolean>,
): FactRepair {
  let active: ReadonlySet<string> = new Set();
  let isNeeded = false;
  return {
    get isNeeded() {
      return isNeeded;
    },
    require() {
      isNeeded = true;
    },
    async run() {
      const { epoch, replicaId } = redis;
      const ids = new Set(active).add(replicaId);
      if ((await redis.run(AWAIT, [keys.epoch, keys.meta, keys.gate], [epoch, ...ids])) !== 1) return;
      if (!(await writeAll())) return;
      if ((await redis.run(COMPLETE, [keys.epoch, keys.gate], [epoch, replicaId])) !== 1) return;
      isNeeded = redis.epoch !== epoch;
    },
    recordActive(replicaIds, isOpen) {
      active = new Set(isOpen ? replicaIds : [...active, ...replicaIds]);
    },
  };
}
