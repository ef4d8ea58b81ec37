import type { Upstream } from '../../upstream/upstream.ts';
import type { FreshnessLimits } from './freshness.ts';
import type { CachePartition } from './memory-cache.ts';
import type { SequenceClock } from './sequence-clock.ts';

/** What every part of the store is made of. */
export interface ResourceStoreOptions {
  readonly upstream: Upstream;
  readonly clock: SequenceClock;
  readonly limits: FreshnessLimits;
  /** A shelf for things of this noun, which no other part may take; null when nothing is to be kept. */
  readonly partition: <T extends object>(noun: string) => CachePartition<T> | null;
  /** Most memory that all kept values may take, in bytes. */
  readonly maxBytes: number;
}
