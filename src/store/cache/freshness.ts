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
export interface Observation<T> {
  readonly value: T;
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** A sight, and its place among all that the store has seen: of two times at the same millisecond these tell the order. */
export interface SequencedObservation<T> extends Observation<T> {
  readonly requestedSeq: number;
  readonly receivedSeq: number;
}

/** A job as the store remembers it; null when there is none. */
export interface JobObservation extends SequencedObservation<Job | null> {
  /** When this job was first seen in a terminal status; null while it moves. */
  readonly terminalSince: number | null;
}

/** The end of a job, for what is known about it: until it has come, nothing is settled. */
export interface JobEnd {
  /** What was read before has not seen the end; -Infinity while the job moves. */
  readonly endedAt: number;
  /** What was read from then on is final; Infinity while the job moves. */
  readonly settledAt: number;
}

export const NOT_ENDED: JobEnd = { endedAt: Number.NEGATIVE_INFINITY, settledAt: Number.POSITIVE_INFINITY };

/**
 * What is remembered after `next` was seen where `kept` was. A question that was asked before the kept answer had come may
 * be answered with what was before it: only one that was asked later replaces it. And nothing leaves a terminal status.
 */
export function mergeJobObservation(
  kept: JobObservation | undefined,
  next: SequencedObservation<Job | null>,
): JobObservation {
  if (kept !== undefined && next.requestedSeq < kept.receivedSeq) return kept;
  const { value: job, receivedAt } = next;
  if (job === null) return { ...next, terminalSince: null };
  if (kept?.value && kept.terminalSince !== null) {
    const value = job.status === kept.value.status ? job : kept.value;
    return { ...next, value, terminalSince: kept.terminalSince };
  }
  if (!isTerminal(job)) return { ...next, terminalSince: null };
  const hasSeenItMove = kept !== undefined && kept.value !== null;
  const endedLongAgo = job.finished_at !== null && job.finished_at * 1000 < receivedAt - LONG_AGO_MS;
  return { ...next, terminalSince: endedLongAgo && !hasSeenItMove ? receivedAt - SETTLING_MS : receivedAt };
}

/** The end of a job by its last sight. */
export function endOf(observation: JobObservation | undefined): JobEnd {
  if (observation?.terminalSince == null) return NOT_ENDED;
  return { endedAt: observation.terminalSince, settledAt: observation.terminalSince + SETTLING_MS };
}

/**
 * Until when a sight of a job answers questions, in milliseconds since the epoch. What was seen before the job had been
 * at its end for a minute does not count as settled later either: it may lack what the end brought. What was asked for
 * before `outdatedAt` answers none.
 */
export function jobFreshUntil(
  observation: JobObservation,
  limits: FreshnessLimits,
  outdatedAt = Number.NEGATIVE_INFINITY,
): number {
  const { requestedAt, receivedAt } = observation;
  if (requestedAt < outdatedAt) return Number.NEGATIVE_INFINITY;
  return hasSettled(observation) ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
}

/** Whether a sight shows a job that had been at its end for a minute. */
export function hasSettled({ receivedAt, terminalSince }: JobObservation): boolean {
  return terminalSince !== null && receivedAt - terminalSince >= SETTLING_MS;
}

/** Until when a moving thing, a list or an absence answers questions, in milliseconds since the epoch. */
export function activeFreshUntil(receivedAt: number, { activeMs }: FreshnessLimits): number {
  return receivedAt + activeMs;
}

/** Until when a thing that no longer changes answers questions, in milliseconds since the epoch. */
export function settledFreshUntil(receivedAt: number, { settledMs }: FreshnessLimits): number {
  return receivedAt + settledMs;
}

/** Until when what was read about a job answers questions: not at all when the job has ended since. */
export function aboutJobFreshUntil(
  { requestedAt, receivedAt }: Omit<Observation<unknown>, 'value'>,
  { endedAt, settledAt }: JobEnd,
  limits: FreshnessLimits,
): number {
  if (requestedAt < endedAt) return Number.NEGATIVE_INFINITY;
  return requestedAt >= settledAt ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
}
