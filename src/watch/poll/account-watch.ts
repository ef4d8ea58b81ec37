import type { Job } from '../../upstream/resources/job.ts';
import { nextHeadIn } from './cadence.ts';
import type { Follower } from './watched-job.ts';

/** Who follows all jobs of one scope, and which of them are new to it. */
export interface Account {
  readonly followers: Set<Follower>;
  /** Whether the jobs that move were all found once. */
  readonly isScanned: boolean;
  /** When the head of the list is to be read again, in milliseconds since the epoch. */
  readonly dueAt: number;
  isUnderWay: boolean;
  begin(now: number): void;
  /** Whether a job was created after all that were seen before. It counts as seen then. */
  isNew(job: Job): boolean;
  /** A job has changed. */
  changed(now: number): void;
  /** The list was read, down to the oldest job that moves. */
  scanned(now: number, pollIntervalMs: number): void;
  /** Puts off, or brings forward, when the head of the list is read again. */
  lookAt(dueAt: number): void;
  /** Tells its followers that nothing more comes. */
  end(error: Error): void;
}

export function createAccount(): Account {
  const followers = new Set<Follower>();
  let isScanned = false;
  let dueAt = Number.POSITIVE_INFINITY;
  let newestAt = Number.NEGATIVE_INFINITY;
  let changedAt = 0;
  const newest = new Set<string>(); // Several jobs can share the second in which the newest was created.
  return {
    followers,
    get isScanned() {
      return isScanned;
    },
    get dueAt() {
      return followers.size === 0 ? Number.POSITIVE_INFINITY : dueAt;
    },
    isUnderWay: false,
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
      dueAt = now + nextHeadIn(now - changedAt, pollIntervalMs);
    },
    lookAt(at) {
      dueAt = at;
    },
    end(error) {
      for (const follower of [...followers]) follower.end(error);
      followers.clear();
    },
  };
}
