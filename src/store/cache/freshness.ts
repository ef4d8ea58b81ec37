import { isTerminal, type Job } from '../../upstream/resources/job.ts';

/** Milliseconds after its first observation in a terminal status during which a job can still change. */
export const SETTLING_MS = 60_000; // The last events arrive after `finished_at` (docs/upstream.md: Event log).

/** A job whose `finished_at` is older than this counts as settled at first observation. Larger than any clock skew. */
const LONG_AGO_MS = 600_000;

export interface FreshnessLimits {
  /** TTL of active resources, lists and absences, in milliseconds; 0 disables caching of these. */
  readonly activeMs: number;
  /** TTL of settled resources, in milliseconds; 0 disables caching of these. */
  readonly settledMs: number;
}

/** A value read upstream, with the times of its request and its response in milliseconds since the epoch. */
export interface Observation<T> {
  readonly value: T;
  readonly requestedAt: number;
  readonly receivedAt: number;
}

/** An observation with sequence numbers, which order requests and responses within one millisecond. */
export interface SequencedObservation<T> extends Observation<T> {
  readonly requestedSeq: number;
  readonly receivedSeq: number;
}

/** The times of an observation, which all values on one page have in common. */
export type ObservationTimes = Omit<SequencedObservation<unknown>, 'value'>;

/** An accepted observation of a job; `value` is null when there is no such job. */
export interface JobObservation extends SequencedObservation<Job | null> {
  /** Time of the first observation in a terminal status; null while the job is active. */
  readonly terminalSince: number | null;
}

/** When a job ended. Decides the freshness of all data about the job. Milliseconds since the epoch. */
export interface JobEnd {
  /** Data requested earlier may lack the effects of the end; -Infinity while the job is active. */
  readonly endedAt: number;
  /** Data requested from this time on is final; Infinity while the job is active. */
  readonly settledAt: number;
}

export const NOT_ENDED: JobEnd = { endedAt: Number.NEGATIVE_INFINITY, settledAt: Number.POSITIVE_INFINITY };

/**
 * Returns the observation to accept. `next` is rejected unless it was requested after `previous` was received: its value
 * may be older. A job never leaves a terminal status.
 */
export function mergeJobObservation(
  previous: JobObservation | undefined,
  next: SequencedObservation<Job | null>,
): JobObservation {
  if (previous !== undefined && next.requestedSeq < previous.receivedSeq) return previous;
  const { value: job, receivedAt } = next;
  if (job === null) return { ...next, terminalSince: null };
  if (previous?.value && previous.terminalSince !== null) {
    const value = job.status === previous.value.status ? job : previous.value;
    return { ...next, value, terminalSince: previous.terminalSince };
  }
  if (!isTerminal(job)) return { ...next, terminalSince: null };
  const wasActive = previous !== undefined && previous.value !== null;
  const hasEndedLongAgo = job.finished_at !== null && job.finished_at * 1000 < receivedAt - LONG_AGO_MS;
  return { ...next, terminalSince: hasEndedLongAgo && !wasActive ? receivedAt - SETTLING_MS : receivedAt };
}

/** Returns the end of a job by its last accepted observation. */
export function endOf(observation: JobObservation | undefined): JobEnd {
  if (observation?.terminalSince == null) return NOT_ENDED;
  return { endedAt: observation.terminalSince, settledAt: observation.terminalSince + SETTLING_MS };
}

/**
 * Returns when an observation of a job becomes stale, in milliseconds since the epoch; -Infinity when it was requested
 * before `staleBefore`. An observation received while the job was settling never counts as settled.
 */
export function jobFreshUntil(
  observation: JobObservation,
  limits: FreshnessLimits,
  staleBefore = Number.NEGATIVE_INFINITY,
): number {
  const { requestedAt, receivedAt } = observation;
  if (requestedAt < staleBefore) return Number.NEGATIVE_INFINITY;
  return hasSettled(observation) ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
}

/** Whether the job had been in a terminal status for SETTLING_MS when it was observed. */
export function hasSettled({ receivedAt, terminalSince }: JobObservation): boolean {
  return terminalSince !== null && receivedAt - terminalSince >= SETTLING_MS;
}

/** Returns when an active resource, a list or an absence becomes stale, in milliseconds since the epoch. */
export function activeFreshUntil(receivedAt: number, { activeMs }: FreshnessLimits): number {
  return receivedAt + activeMs;
}

/** Returns when a settled resource becomes stale, in milliseconds since the epoch. */
export function settledFreshUntil(receivedAt: number, { settledMs }: FreshnessLimits): number {
  return receivedAt + settledMs;
}

/** Returns when data about a job becomes stale; -Infinity when it was requested before the job ended. */
export function aboutJobFreshUntil(
  { requestedAt, receivedAt }: Omit<Observation<unknown>, 'value'>,
  { endedAt, settledAt }: JobEnd,
  limits: FreshnessLimits,
): number {
  if (requestedAt < endedAt) return Number.NEGATIVE_INFINITY;
  return requestedAt >= settledAt ? settledFreshUntil(receivedAt, limits) : activeFreshUntil(receivedAt, limits);
}

/** Returns when a file's content becomes stale. It never changes once it exists; an absence (null) can end. */
export function contentFreshUntil({ value, receivedAt }: Observation<unknown>, limits: FreshnessLimits): number {
  return value === null ? activeFreshUntil(receivedAt, limits) : settledFreshUntil(receivedAt, limits);
}
