import { isTerminal, type Job } from '../upstream/job.ts';

/** How long after a job was first seen at its end it may still change: its last events come after `finished_at`. */
export const SETTLING_MS = 60_000;

export interface FreshnessLimits {
  /** Oldest answer about a moving thing, a list or an absence, in milliseconds; 0 keeps none. */
  readonly activeMs: number;
  /** Oldest answer about a thing that no longer changes, in milliseconds; 0 keeps none. */
  readonly settledMs: number;
}

/** A job as the store remembers it. */
export interface JobSight {
  readonly job: Job | null;
  /** When the request that showed it began, and when its answer arrived. */
  readonly beganAt: number;
  readonly arrivedAt: number;
  /** When this job was first seen in a terminal status; null while it moves. */
  readonly terminalSince: number | null;
}

/** What is remembered after `next` was seen where `kept` was: an answer to an older question does not replace a newer. */
export function remember(kept: JobSight | undefined, next: Omit<JobSight, 'terminalSince'>): JobSight {
  if (kept !== undefined && kept.beganAt > next.beganAt) return kept;
  if (next.job === null || !isTerminal(next.job)) return { ...next, terminalSince: null };
  return { ...next, terminalSince: kept?.terminalSince ?? next.arrivedAt };
}

/**
 * Until when a sight of a job answers questions, in milliseconds since the epoch. What was seen before the job had been
 * at its end for a minute does not count as settled later either: it may lack what the end brought.
 */
export function jobFreshUntil(
  { arrivedAt, terminalSince }: JobSight,
  { activeMs, settledMs }: FreshnessLimits,
): number {
  const isSettled = terminalSince !== null && arrivedAt - terminalSince >= SETTLING_MS;
  return arrivedAt + (isSettled ? settledMs : activeMs);
}

/** Until when a list answers questions, in milliseconds since the epoch. */
export function listFreshUntil(arrivedAt: number, { activeMs }: FreshnessLimits): number {
  return arrivedAt + activeMs;
}
