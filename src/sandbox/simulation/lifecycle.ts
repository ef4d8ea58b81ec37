import type { Random } from './random.ts';

export type JobStatus =
  | 'validating_files'
  | 'queued'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'resuming'
  | 'cancelling'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

/** Statuses that a job never leaves. */
export const TERMINAL_STATUSES: readonly JobStatus[] = ['succeeded', 'failed', 'cancelled'];

/** A change of status, `at` milliseconds since the epoch. */
export interface StatusChange {
  readonly status: JobStatus;
  readonly at: number;
}

/** All status changes of a job, known from its creation on. The first status is `validating_files`. */
export interface Lifecycle {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly changes: readonly StatusChange[];
}

/** Milliseconds of each status that is not the last one. `second` is a second at speed 1. */
export type Durations = Readonly<
  Record<'validating_files' | 'queued' | 'running' | 'pausing' | 'paused' | 'second', number>
>;

/** Creates the lifecycle of a job that takes the statuses of `path` in order and stays in the last one. */
export function createLifecycle(createdAt: number, path: readonly JobStatus[], durations: Durations): Lifecycle {
  const msByStatus: Partial<Record<JobStatus, number>> = durations;
  let at = createdAt + durations.validating_files;
  const changes = path.map((status) => {
    const change = { status, at };
    at += msByStatus[status] ?? 0; // Statuses without a duration are the last ones.
    return change;
  });
  return { createdAt, changes };
}

/**
 * Draws the durations of a job around those of real jobs (docs/upstream.md: Event log), divided by `speed`, in whole
 * milliseconds. Only `queued` is longer than the recorded 1 to 4 seconds, so that clients can observe it at speed 10.
 */
export function drawDurations(random: Random, speed: number): Durations {
  const seconds = (min: number, max: number) => Math.round(random.between(min * 1000, max * 1000) / speed);
  return {
    validating_files: seconds(30, 66),
    queued: seconds(25, 60),
    running: seconds(500, 2400),
    pausing: seconds(10, 40),
    paused: seconds(600, 1800),
    second: 1000 / speed,
  };
}

/** When the job is expected to succeed, in milliseconds since the epoch. Not corrected when it pauses, fails or stops. */
export function estimatedFinish({
  createdAt,
  changes,
  trainingMs,
}: Lifecycle & { readonly trainingMs: number }): number {
  return changes.find(({ status }) => status === 'succeeded')?.at ?? createdAt + trainingMs;
}

/** The status at `now`, which is not before the job's creation. */
export function statusAt({ changes }: Lifecycle, now: number): JobStatus {
  return changes.findLast(({ at }) => at <= now)?.status ?? 'validating_files';
}

/** When the job first had this status, in milliseconds since the epoch; null when it has not had it by `now`. */
export function statusChangedAt({ changes }: Lifecycle, status: JobStatus, now: number): number | null {
  return changes.find((change) => change.status === status && change.at <= now)?.at ?? null;
}
