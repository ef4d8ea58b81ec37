import type { Upstream } from '../../upstream/upstream.ts';
import type { FreshnessLimits } from './freshness.ts';
import type { Shelf } from './memory-cache.ts';
import type { Timeline } from './sequence-clock.ts';

/** What every part of the store is made of. */
export interface PartOptions {
  readonly upstream: Upstream;
  readonly clock: Timeline;
  readonly limits: FreshnessLimits;
  /** A shelf for things of this noun, which no other part may take; null when nothing is to be kept. */
  readonly shelf: <T extends object>(noun: string) => Shelf<T> | null;
  /** Most memory that all kept values may take, in bytes. */
  readonly maxBytes: number;
}
