import type { CachePartition } from '../../memory-cache.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import type { FreshnessLimits } from './freshness.ts';
import type { SequenceClock } from './sequence-clock.ts';

/** Dependencies of each resource store. */
export interface ResourceStoreOptions {
  readonly upstream: Upstream;
  readonly clock: SequenceClock;
  readonly limits: FreshnessLimits;
  /** Creates the cache partition with this unique name; null when caching is disabled. */
  readonly partition: <T extends object>(name: string) => CachePartition<T> | null;
  /** Memory limit of all caches, in bytes. */
  readonly maxBytes: number;
}
