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

/** A change of status, `at` ms since the epoch. */
export interface StatusChange {
  readonly status: JobStatus;
  readonly at: number;
}

/** A job's whole life, known from its first moment: it is created validating its files, then takes its turns in order. */
export interface Lifecycle {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly changes: readonly StatusChange[];
}

/** How many ms each status lasts that a job goes on from, and a second of real life. */
export type Durations = Readonly<
  Record<'validating_files' | 'queued' | 'running' | 'pausing' | 'paused' | 'second', number>
>;

/** The life of a job that takes the statuses of `path`, one after another, and stays in the last. */
export function createLifecycle(createdAt: number, path: readonly JobStatus[], lasts: Durations): Lifecycle {
  const durations: Partial<Record<JobStatus, number>> = lasts;
  let at = createdAt + lasts.validating_files;
  const changes = path.map((status) => {
    const turn = { status, at };
    at += durations[status] ?? 0; // Nothing follows a status without a duration.
    return turn;
  });
  return { createdAt, changes };
}

/**
 * How long the statuses of one job last: drawn round what real jobs take (docs/upstream.md: Event log), divided by `speed`, in
 * whole ms. Only the queue is longer than the 1 to 4 s that were recorded: shorter than that, nobody would ever see it
 * at the default speed.
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

/** The status at `now`, which is not before the job's creation. */
export function statusAt({ changes }: Lifecycle, now: number): JobStatus {
  return changes.findLast(({ at }) => at <= now)?.status ?? 'validating_files';
}

/** When the job first took this status, ms since the epoch; null when that has not happened at `now`. */
export function statusChangedAt({ changes }: Lifecycle, status: JobStatus, now: number): number | null {
  return changes.find((turn) => turn.status === status && turn.at <= now)?.at ?? null;
}
