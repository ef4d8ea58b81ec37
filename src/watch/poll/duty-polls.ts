import type { Clock } from '../../clock.ts';
import type { AccountWatch } from './account-watch.ts';
import type { WatchedJob } from './watched-job.ts';

/** When jobs are polled, as far as it depends on other replicas. */
export interface DutyPolls {
  /** Puts off the next poll of a job: an observation of it is on offer to all replicas. */
  onOffered(id: string): void;
  /** Makes a poll of a job due, on this replica even if another one polls the scope. */
  pollHere(id: string): void;
  /** The same for a scan of the list. */
  scanHere(): void;
  /** Makes the first poll of a job due, that no replica has observed. */
  startPolls(id: string): void;
  /** Puts off due polls by a random part of the interval: other replicas start to poll the same jobs at the same time. */
  spreadPolls(): void;
  /** This replica has the polls of the scope now, or has lost them. */
  onDuty(): void;
}

export interface DutyPollsOptions {
  readonly jobs: ReadonlyMap<string, WatchedJob>;
  readonly account: AccountWatch;
  readonly clock: Clock;
  readonly intervalMs: () => number;
  readonly onScheduleChange: () => void;
}

export function createDutyPolls({ jobs, account, clock, intervalMs, onScheduleChange }: DutyPollsOptions): DutyPolls {
  return {
    onOffered(id) {
      const job = jobs.get(id);
      if (!job) return;
      job.isPolledHere = false;
      job.failures = 0;
      job.dueAt = clock.now() + intervalMs();
    },
    pollHere(id) {
      const job = jobs.get(id);
      if (job) [job.isPolledHere, job.dueAt] = [true, clock.now()];
      onScheduleChange();
    },
    scanHere() {
      account.isScannedHere = true;
      account.requestPoll(clock.now());
      onScheduleChange();
    },
    startPolls(id) {
      const job = jobs.get(id);
      if (!job || job.observation) return;
      job.dueAt = clock.now();
      onScheduleChange();
    },
    spreadPolls() {
      const now = clock.now();
      for (const job of jobs.values()) {
        if (job.observation && job.dueAt < Number.POSITIVE_INFINITY) job.dueAt = now + Math.random() * intervalMs();
      }
      if (account.isScanned) account.requestPoll(now + Math.random() * intervalMs());
    },
    onDuty: onScheduleChange,
  };
}
