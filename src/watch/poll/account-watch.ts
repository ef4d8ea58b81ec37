import type { Job } from '../../upstream/resources/job.ts';
import { nextHeadPollIn } from './poll-interval.ts';
import type { WatchListener } from './watched-job.ts';

/**
 * The account-wide watch of one scope: all jobs, including new ones. Times are milliseconds since the epoch.
 *
 * - Start (`start`): the first listener. The first scan of the list, ten pages, finds the active jobs.
 * - Poll: when `dueAt` has passed, the list is read from its head, where new jobs appear. The interval depends on the time
 *   without a change; a webhook about an unknown job makes a poll due at once.
 * - End: the last listener has left; or the upstream rejects the list or the credential, and listeners get the error.
 */
export interface AccountWatch {
  readonly listeners: Set<WatchListener>;
  /** Whether the first scan is complete: all active jobs are known. */
  readonly isScanned: boolean;
  /** When the next poll of the list's head is due; Infinity without listeners. */
  readonly dueAt: number;
  isPolling: boolean;
  /** Whether this replica scans the list once, although another one polls the jobs of the scope. */
  isScannedHere: boolean;
  start(now: number): void;
  /** Whether a job is newer than all jobs checked before. */
  isNewer(job: Job): boolean;
  /** The same. Records it as checked. */
  isNew(job: Job): boolean;
  recordChange(now: number): void;
  /** Records a scan of the list and schedules the next poll. */
  recordScan(now: number, pollIntervalMs: number): void;
  /** Sets when the next poll is due. */
  requestPoll(dueAt: number): void;
  /** Ends the watch: passes the error to all listeners and removes them. */
  end(error: Error): void;
}

export function createAccountWatch(): AccountWatch {
  const listeners = new Set<WatchListener>();
  let isScanned = false;
  let dueAt = Number.POSITIVE_INFINITY;
  let changedAt = 0;
  let newestCreatedAt = Number.NEGATIVE_INFINITY;
  const newestIds = new Set<string>(); // Several jobs can be created in the same second.
  const isNewer = ({ id, created_at }: Job) => created_at >= newestCreatedAt && !newestIds.has(id);
  return {
    listeners,
    get isScanned() {
      return isScanned;
    },
    get dueAt() {
      return listeners.size === 0 ? Number.POSITIVE_INFINITY : dueAt;
    },
    isPolling: false,
    isScannedHere: false,
    isNewer,
    start(now) {
      isScanned = false;
      dueAt = now;
      changedAt = now;
      newestCreatedAt = Number.NEGATIVE_INFINITY;
      newestIds.clear();
    },
    isNew(job) {
      const { id, created_at } = job;
      if (!isNewer(job)) return false;
      if (created_at > newestCreatedAt) newestIds.clear();
      newestCreatedAt = created_at;
      newestIds.add(id);
      return true;
    },
    recordChange(now) {
      changedAt = now;
    },
    recordScan(now, pollIntervalMs) {
      isScanned = true;
      this.isScannedHere = false;
      dueAt = now + nextHeadPollIn(now - changedAt, pollIntervalMs);
    },
    requestPoll(at) {
      dueAt = at;
    },
    end(error) {
      for (const listener of [...listeners]) listener.onEnd(error);
      listeners.clear();
    },
  };
}
