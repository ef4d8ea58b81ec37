import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Cause } from '../../store/cache/read-through.ts';
import type { JobObserved } from '../../store/resources/job.ts';
import type { Job } from '../../upstream/resources/job.ts';

/** A change of a job's state, or a snapshot of its present state. All listeners get the same object. */
export interface JobChange {
  readonly job: Job;
  /** The previously observed job; null in a snapshot, and for a new job. */
  readonly previous: Job | null;
  /** When the response with the change was received, in milliseconds since the epoch. */
  readonly observedAt: number;
  readonly cause: Cause | 'snapshot';
}

/** Returns the state of a job; a change is a difference between two states. */
export type StateOf = (job: Job) => string;

/** Returns the change that an observation shows; null if none. States between two polls are not observed. */
export function changeOf({ previous: observation, accepted, cause }: JobObserved, stateOf: StateOf): JobChange | null {
  const { value: job, receivedAt: observedAt } = accepted;
  if (accepted === observation || job === null) return null;
  const previous = observation?.value ?? null;
  if (previous && stateOf(previous) === stateOf(job)) return null;
  return { job, previous, observedAt, cause };
}

/** Returns a function from an observation to its snapshot. Equal observations give the same snapshot object. */
export function createSnapshots(): (observation: JobObservation) => JobChange | null {
  const snapshots = new WeakMap<JobObservation, JobChange>();
  return (observation) => {
    const { value: job, receivedAt: observedAt } = observation;
    if (job === null) return null;
    const snapshot = snapshots.get(observation) ?? { job, previous: null, observedAt, cause: 'snapshot' };
    snapshots.set(observation, snapshot);
    return snapshot;
  };
}
