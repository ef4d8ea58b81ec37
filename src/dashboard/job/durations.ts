import type { JobDetails } from './job-store.ts';

/** Durations of a job in seconds; null where one is not known. */
export interface Durations {
  /** Until the training started. */
  readonly waited: number | null;
  /** From the start of the training until its end, or until now. Pauses count: the graph does not tell how long they were. */
  readonly sinceStart: number | null;
  readonly left: number | null;
}

export function durationsOf(job: JobDetails, now: number): Durations {
  const { createdAt, startedAt, endedAt, durationSeconds, isTerminal, status, progress, estimatedFinishAt } = job;
  const end = endedAt ?? (isTerminal ? null : now);
  const finishAt = isTerminal || status !== 'RUNNING' ? null : (progress?.estimatedFinishAt ?? estimatedFinishAt);
  return {
    waited: startedAt === null ? (isTerminal ? null : now - createdAt) : startedAt - createdAt,
    sinceStart: durationSeconds ?? (startedAt === null || end === null ? null : end - startedAt),
    left: finishAt === null ? null : Math.max(0, finishAt - now),
  };
}
