import type { DailyCounts } from './daily-counts.ts';
import type { Invalidations } from './invalidations.ts';
import type { Ledger } from './ledger.ts';
import type { OpenCounts } from './open-counts.ts';
import type { Points } from './points.ts';
import type { SeenIds } from './seen-ids.ts';
import type { UpstreamBudget } from './upstream-budget.ts';
import type { WatchState } from './watch-state.ts';

/**
 * State that all replicas of a gateway have in common. One process holds it in memory; replicas share it through Redis. The code
 * that uses it is the same.
 */
export interface SharedState {
  /** Whether the state can be read and changed now. In memory: always. */
  readonly isAvailable: boolean;
  /** Replicas at last sight, this one included; 1 in memory. While Redis is away, each takes this share of a limit. */
  readonly replicas: number;
  /** The metered operations of callers today. */
  readonly dailyCounts: DailyCounts;
  /** The points that callers spend per minute. */
  readonly points: Points;
  /** The open subscriptions of callers. */
  readonly subscriptions: OpenCounts;
  /** The creates with an idempotency key. */
  readonly ledger: Ledger;
  /** The webhooks that were delivered. */
  readonly webhookIds: SeenIds;
  readonly invalidations: Invalidations;
  readonly budget: UpstreamBudget;
  /** Uses the user and password of another URL, from the next connection to Redis on. */
  replaceUrl(url: string): void;
  /** Why the gateway cannot take traffic yet; null if it can. Once ready, a replica stays ready. */
  findProblem(): string | null;
  /** The watched jobs. */
  readonly watch: WatchState;
  dispose(): Promise<void>;
}
