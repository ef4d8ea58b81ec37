import type { RedisConnection } from '../connection/connection.ts';

/** Maximum entries of the log of a scope, roughly. */
export const MAX_ENTRIES = 1000;

/** Redis forgets the log of a scope, and a job, when no replica has watched it for so long. */
export const TTL_MS = 3_600_000;

/** The keys of one scope. */
export interface ScopeKeys {
  readonly epoch: string;
  readonly log: string;
  readonly meta: string;
  /** The keys of TAKE_PART. */
  readonly part: readonly string[];
  job(id: string): string;
}

export function scopeKeys(redis: RedisConnection, scope: string): ScopeKeys {
  const key = (...parts: readonly string[]) => redis.key('watch', scope, ...parts);
  const [log, meta] = [key('log'), key('meta')];
  return {
    epoch: redis.key('epoch'),
    log,
    meta,
    part: [key('lease'), key('members'), log, meta, key('interest', redis.replicaId)],
    job: (id) => key('job', id),
  };
}
