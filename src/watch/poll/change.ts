import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Cause } from '../../store/cache/read-through.ts';
import type { JobObserved } from '../../store/resources/job.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** A job in a state in which it was not before; or, as a snapshot, the state that it is in. The same change is one object. */
export interface JobChange {
  readonly job: Job;
  /** The job as it was believed to be before; null in a snapshot, and of a job that is new. */
  readonly previous: Job | null;
  /** When the answer arrived that showed it, in milliseconds since the epoch. */
  readonly observedAt: number;
  readonly cause: Cause | 'snapshot';
}

/** What counts as the same state of a job. */
export type StateOf = (job: Job) => string;

/** The change that a sight has brought, if any. Polling cannot see a state that came and went between two looks. */
export function changeOf({ previous: observation, accepted, cause }: JobObserved, stateOf: StateOf): JobChange | null {
  const { value: job, receivedAt: observedAt } = accepted;
  if (accepted === observation || job === null) return null;
  const previous = observation?.value ?? null;
  if (previous && stateOf(previous) === stateOf(job)) return null;
  return { job, previous, observedAt, cause };
}

/** Snapshots by the sight that they show: whoever comes between two sights gets the same one. */
export function createSnapshots(): (observation: JobObservation) => JobChange | null {
  const made = new WeakMap<JobObservation, JobChange>();
  return (observation) => {
    const { value: job, receivedAt: observedAt } = observation;
    if (job === null) return null;
    const snapshot = made.get(observation) ?? { job, previous: null, observedAt, cause: 'snapshot' };
    made.set(observation, snapshot);
    return snapshot;
  };
}
