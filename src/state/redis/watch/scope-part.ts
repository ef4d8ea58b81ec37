import { z } from 'zod';
import { type Topic, topicsOf } from '../../topic.ts';
import type { RedisConnection } from '../connection/connection.ts';
import type { ScopeKeys } from './watch-keys.ts';
import { TAKE_PART } from './watch-scripts.ts';

/** The state of a scope, as a replica learns it by its part. */
export interface Part {
  readonly isHolder: boolean;
  /** Whether it has the lease of a replica that did not give it back. */
  readonly isTakeover: boolean;
  readonly version: string;
  /** Number of topics in its own interest. */
  readonly size: number;
  /** The last entry of the log. */
  readonly last: string;
  /** Number of entries with observations or events. */
  readonly counted: number;
  /** The interest of the others; undefined when it is the known one, or without the lease. */
  readonly interest: ReadonlySet<Topic> | undefined;
}

export interface PartRequest {
  readonly leaseMs: number;
  readonly ttlMs: number;
  /** The known version of the interest. */
  readonly version: string;
  readonly changes: ReadonlyMap<string, boolean>;
}

/** The interest of a replica that does not renew it ends. */
const MEMBER_MS = 10_000;

const reply = z.tuple([z.number(), z.number(), z.string(), z.number(), z.string(), z.number(), z.number()], z.string());

export async function takePart(redis: RedisConnection, keys: ScopeKeys, request: PartRequest): Promise<Part> {
  const { leaseMs, ttlMs, version: known, changes } = request;
  const [adds, removes] = [true, false].map((kind) => [...changes].filter(([, isWatched]) => isWatched === kind));
  const ids = [...(adds ?? []), ...(removes ?? [])].map(([id]) => id);
  const args = [redis.replicaId, leaseMs, MEMBER_MS, ttlMs, known, adds?.length ?? 0, ...ids];
  const parsed = reply.parse(await redis.run(TAKE_PART, keys.part, args));
  const [isHolder, isTakeover, version, size, last, counted, isNew, ...others] = parsed;
  return {
    isHolder: isHolder === 1,
    isTakeover: isTakeover === 1,
    version,
    size,
    last,
    counted,
    interest: isNew === 1 ? new Set(topicsOf(others)) : undefined,
  };
}
