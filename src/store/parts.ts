import type { Clock } from '../clock.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FreshnessLimits } from './freshness.ts';
import type { Room } from './shelf.ts';

/** What every part of the store is made of. */
export interface PartOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly room: Room;
  readonly limits: FreshnessLimits;
}
