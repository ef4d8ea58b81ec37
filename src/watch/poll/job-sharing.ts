import type { JobObservation } from '../../store/cache/freshness.ts';

/** How a registry shares the polls of its jobs with other replicas. One process polls them all. */
export interface JobSharing {
  /** Whether this replica polls the jobs of the scope. */
  readonly isOnDuty: boolean;
  /** Factor of poll intervals. */
  readonly intervalFactor: number;
  /** Milliseconds until the first poll of a job: others may know it. */
  readonly firstPollDelayMs: number;
  /** Asks the replica that polls for a poll. */
  passOn(jobId: string, cause: 'webhook' | 'poll'): void;
  /** Returns what subscribers of a job may get before its first poll. */
  firstObservation(jobId: string): JobObservation | undefined;
  /** Called when the listeners of a job have changed, or whether they are remote. */
  onListeners(jobId: string): void;
  /** Called when the listeners of all jobs have changed. */
  onAccountListeners(): void;
  /** Called when a job is not watched any more. */
  onUnwatched(jobId: string): void;
}
