import type { Job } from '../../upstream/resources/job.ts';

/** The accepted observations of a job, as far as a replica knows them. */
export interface KnownJobState {
  /** The last accepted revision; null when there is none yet. */
  readonly revision: number | null;
  /** An observation whose request has a smaller sequence number may be older than the accepted one. */
  readonly learnedSeq: number;
  readonly job: Job | null;
  /**
   * Whether subscribers have got observations that replicas have no order for, because Redis was away. Then they get those of
   * others only after an own one, later than theirs, has been accepted.
   */
  readonly isDetached: boolean;
}

/** The watched jobs of one scope on one replica. */
export interface KnownJobs {
  get(id: string): KnownJobState | undefined;
  set(id: string, state: KnownJobState): void;
  delete(id: string): void;
  entries(): Iterable<[string, KnownJobState]>;
  /** Whether an observation by this request may be older than the accepted one. */
  isStale(id: string, requestedSeq: number): boolean;
  /** Makes all observations stale whose requests have smaller sequence numbers. */
  forgetBefore(sequence: number): void;
}

export function createKnownJobs(): KnownJobs {
  const jobs = new Map<string, KnownJobState>();
  let firstSeq = Number.NEGATIVE_INFINITY;
  return {
    get: (id) => jobs.get(id),
    set: (id, state) => void jobs.set(id, state),
    delete: (id) => void jobs.delete(id),
    entries: () => [...jobs],
    isStale: (id, requestedSeq) => requestedSeq < Math.max(firstSeq, jobs.get(id)?.learnedSeq ?? firstSeq),
    forgetBefore(sequence) {
      firstSeq = sequence;
    },
  };
}
