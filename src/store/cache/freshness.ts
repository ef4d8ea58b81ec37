import { isTerminal, type Job } from '../../upstream/resources/job.ts';

/** How long after a job was first seen at its end it may still change: its last events come after `finished_at`. */
export const SETTLING_MS = 60_000;

/** A job that says that it finished this long ago, and that nobody here has seen moving, has settled: clocks differ less. */
const LONG_AGO_MS = 600_000;

export interface FreshnessLimits {
  /** Oldest answer about a moving thing, a list or an absence, in milliseconds; 0 keeps none. */
  readonly activeMs: number;
  /** Oldest answer about a thing that no longer changes, in milliseconds; 0 keeps none. */
  readonly settledMs: number;
}

/** Something as it was seen upstream: when the request that showed it began, and when its answer arrived. */
export interface Sight<T> {
  readonly value: T;
  readonly beganAt: number;
  readonly arrivedAt: number;
}

/** A sight, and its place among all that the store has seen: of two times at the same millisecond these tell the order. */
export interface Seen<T> extends Sight<T> {
  readonly beganTurn: number;
  readonly arrivedTurn: number;
}

/** A job as the store remembers it; null when there is none. */
export interface JobSight extends Seen<Job | null> {
  /** When this job was first seen in a terminal status; null while it moves. */
  readonly terminalSince: number | null;
}

/** The end of a job, for what is known about it: until it has come, nothing is settled. */
export interface JobEnd {
  /** What was read before has not seen the end; -Infinity while the job moves. */
  readonly endedAt: number;
  /** What was read from then on is final; Infinity while the job moves. */
  readonly quietAt: number;
}

export const NOT_ENDED: JobEnd = { endedAt: Number.NEGATIVE_INFINITY, quietAt: Number.POSITIVE_INFINITY };

/**
 * What is remembered after `next` was seen where `kept` was. A question that was asked before the kept answer had come may
 * be answered with what was before it: only one that was asked later replaces it. And nothing leaves a terminal status.
 */
export function remember(kept: JobSight | undefined, next: Seen<Job | null>): JobSight {
  if (kept !== undefined && next.beganTurn < kept.arrivedTurn) return kept;
  const { value: job, arrivedAt } = next;
  if (job === null) return { ...next, terminalSince: null };
  if (kept?.value && kept.terminalSince !== null) {
    const value = job.status === kept.value.status ? job : kept.value;
    return { ...next, value, terminalSince: kept.terminalSince };
  }
  if (!isTerminal(job)) return { ...next, terminalSince: null };
  const hasSeenItMove = kept !== undefined && kept.value !== null;
  const endedLongAgo = job.finished_at !== null && job.finished_at * 1000 < arrivedAt - LONG_AGO_MS;
  return { ...next, terminalSince: endedLongAgo && !hasSeenItMove ? arrivedAt - SETTLING_MS : arrivedAt };
}

/** The end of a job by its last sight. */
export function endOf(sight: JobSight | undefined): JobEnd {
  if (sight?.terminalSince == null) return NOT_ENDED;
  return { endedAt: sight.terminalSince, quietAt: sight.terminalSince + SETTLING_MS };
}

/**
 * Until when a sight of a job answers questions, in milliseconds since the epoch. What was seen before the job had been
 * at its end for a minute does not count as settled later either: it may lack what the end brought. What was asked for
 * before `outdatedAt` answers none.
 */
export function jobFreshUntil(sight: JobSight, limits: FreshnessLimits, outdatedAt = Number.NEGATIVE_INFINITY): number {
  const { beganAt, arrivedAt } = sight;
  if (beganAt < outdatedAt) return Number.NEGATIVE_INFINITY;
  return hasSettled(sight) ? settledFreshUntil(arrivedAt, limits) : activeFreshUntil(arrivedAt, limits);
}

/** Whether a sight shows a job that had been at its end for a minute. */
export function hasSettled({ arrivedAt, terminalSince }: JobSight): boolean {
  return terminalSince !== null && arrivedAt - terminalSince >= SETTLING_MS;
}

/** Until when a moving thing, a list or an absence answers questions, in milliseconds since the epoch. */
export function activeFreshUntil(arrivedAt: number, { activeMs }: FreshnessLimits): number {
  return arrivedAt + activeMs;
}

/** Until when a thing that no longer changes answers questions, in milliseconds since the epoch. */
export function settledFreshUntil(arrivedAt: number, { settledMs }: FreshnessLimits): number {
  return arrivedAt + settledMs;
}

/** Until when what was read about a job answers questions: not at all when the job has ended since. */
export function aboutJobFreshUntil(
  { beganAt, arrivedAt }: Omit<Sight<unknown>, 'value'>,
  { endedAt, quietAt }: JobEnd,
  limits: FreshnessLimits,
): number {
  if (beganAt < endedAt) return Number.NEGATIVE_INFINITY;
  return beganAt >= quietAt ? settledFreshUntil(arrivedAt, limits) : activeFreshUntil(arrivedAt, limits);
}
