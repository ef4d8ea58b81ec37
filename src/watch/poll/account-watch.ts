import type { Job } from '../../upstream/resources/job.ts';
import { nextHeadPollIn } from './cadence.ts';
import type { WatchListener } from './watched-job.ts';

/** Who follows all jobs of one scope, and which of them are new to it. */
export interface AccountWatch {
  readonly listeners: Set<WatchListener>;
  /** Whether the jobs that move were all found once. */
  readonly isScanned: boolean;
  /** When the head of the list is to be read again, in milliseconds since the epoch. */
  readonly dueAt: number;
  isPolling: boolean;
  begin(now: number): void;
  /** Whether a job was created after all that were seen before. It counts as seen then. */
  isNew(job: Job): boolean;
  /** A job has changed. */
  changed(now: number): void;
  /** The list was read, down to the oldest job that moves. */
  scanned(now: number, pollIntervalMs: number): void;
  /** Puts off, or brings forward, when the head of the list is read again. */
  requestPoll(dueAt: number): void;
  /** Tells its listeners that nothing more comes. */
  end(error: Error): void;
}

export function createAccountWatch(): AccountWatch {
  const listeners = new Set<WatchListener>();
  let isScanned = false;
  let dueAt = Number.POSITIVE_INFINITY;
  let newestAt = Number.NEGATIVE_INFINITY;
  let changedAt = 0;
  const newest = new Set<string>(); // Several jobs can share the second in which the newest was created.
  return {
    listeners,
    get isScanned() {
      return isScanned;
    },
    get dueAt() {
      return listeners.size === 0 ? Number.POSITIVE_INFINITY : dueAt;
    },
    isPolling: false,
    begin(now) {
      isScanned = false;
      dueAt = now;
      changedAt = now;
      newestAt = Number.NEGATIVE_INFINITY;
      newest.clear();
    },
    isNew({ id, created_at }) {
      if (created_at < newestAt || newest.has(id)) return false;
      if (created_at > newestAt) newest.clear();
      newestAt = created_at;
      newest.add(id);
      return true;
    },
    changed(now) {
      changedAt = now;
    },
    scanned(now, pollIntervalMs) {
      isScanned = true;
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
