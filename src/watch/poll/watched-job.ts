import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Caller } from '../../upstream/resilience/call-claims.ts';
import type { JobChange } from './change.ts';

/** A listener for the changes of one job, or of all jobs of a scope. */
export interface WatchListener {
  /** The callers behind the listener, which own the turns of its polls. */
  readonly callers: Iterable<Caller>;
  /** Whether only subscribers of other replicas are behind it. */
  readonly isRemote?: boolean;
  onChange(change: JobChange): void;
  /** Called when the watch ends with an error. No further calls follow. */
  onEnd(error: Error): void;
}

/**
 * The state of one watched job. Times are milliseconds since the epoch.
 *
 * - Start: the first listener of the job, or an active job found for account-wide listeners.
 * - Poll: when `dueAt` has passed and no poll is running. A change, a rejected observation or a webhook brings `dueAt`
 *   forward; a failure puts it off. In a terminal status `dueAt` is Infinity: only a webhook triggers a poll.
 * - End: the last listener has left, and account-wide listeners do not include the job. Or the job does not exist, or a
 *   poll has failed permanently or before the first observation: then listeners get the error. An outage ends no watch.
 */
export interface WatchedJob {
  readonly id: string;
  readonly listeners: Set<WatchListener>;
  /** Whether account-wide listeners include this job. */
  isWatchedByAccount: boolean;
  /** The last observation since the watch started. */
  observation: JobObservation | undefined;
  /** The page of the list where the job was found last, from 1. */
  listPosition: number | undefined;
  /** When the last change was observed, or the watch started. */
  changedAt: number;
  /** When the next poll is due. */
  dueAt: number;
  /** When the last poll started. */
  polledAt: number;
  /** Cause of a requested poll; null when none is requested. */
  requested: 'webhook' | 'poll' | null;
  isPolling: boolean;
  /** Whether this replica polls it once, although another one polls the jobs of the scope. */
  isPolledHere: boolean;
  /** Whether its events are read in each interval: they announce most changes, so the job itself is polled less often. */
  areEventsRead: boolean;
  /** Consecutive failed polls. */
  failures: number;
  /** Unpins the job in the store. */
  unpin(): void;
}
