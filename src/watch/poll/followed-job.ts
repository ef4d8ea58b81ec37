import type { LogItem } from '../../store/resources/log-item.ts';
import { type StepReport, stepReportOf } from '../../upstream/metrics/event-metrics.ts';
import type { Caller } from '../../upstream/resilience/call-claims.ts';
import type { Job } from '../../upstream/resources/job.ts';
import { stepsOf } from '../../upstream/resources/job-parts.ts';
import type { StateOf } from './change.ts';
import { toError } from './watch-errors.ts';

/** A job and its newest steps, newest first. All listeners get the same object. */
export interface ProgressObservation {
  readonly job: Job;
  readonly steps: readonly StepReport[];
}

export interface ProgressListener {
  /** The callers behind the listener, which own the turns of its reads. */
  readonly callers: Iterable<Caller>;
  /** Whether only subscribers of other replicas are behind it. */
  readonly isRemote?: boolean;
  onProgress(observation: ProgressObservation): void;
  /** Called when the job or the account cannot be watched any more. No further calls follow. */
  onEnd(error: Error): void;
}

/** The state of one job whose progress is followed. */
export interface FollowedJob {
  readonly id: string;
  readonly listeners: Set<ProgressListener>;
  /** Number of listeners with subscribers of this replica. */
  ownListeners: number;
  isOfAccount: boolean;
  observation: ProgressObservation | undefined;
  job: Job | undefined;
  steps: readonly StepReport[];
  /** Number of its last read among all reads: the jobs that were read first come first. */
  lastRead: number;
  isReading: boolean;
  /** Whether its events have to be read, whatever its status: it is new, or its status has changed. */
  isReadRequested: boolean;
  /** Whether its events were not read in the last interval, because the job itself was polled. */
  wasPostponed: boolean;
  /** Whether the server rejects the read of its events. */
  isUnreadable: boolean;
  newestEventId: string | null;
  stopWatch: () => void;
}

/** Statuses of a job that has no steps yet. */
const NOT_STARTED = ['VALIDATING_FILES', 'QUEUED'];
/** The status of a job whose steps move. */
export const MOVING = 'RUNNING';

/** Whether only subscribers of other replicas follow the job. */
export const isRemote = ({ ownListeners, isOfAccount }: FollowedJob): boolean => ownListeners === 0 && !isOfAccount;

/** Whether the events of a job have to be read. */
export function needsEventRead(
  { job, isReading, isUnreadable, isReadRequested }: FollowedJob,
  stateOf: StateOf,
): boolean {
  if (!job || isReading || isUnreadable || NOT_STARTED.includes(stateOf(job))) return false;
  return isReadRequested || stateOf(job) === MOVING;
}

/** Creates the state of a job that is not observed yet. */
export function newFollowedJob(id: string): FollowedJob {
  return {
    id,
    listeners: new Set(),
    ownListeners: 0,
    isOfAccount: false,
    observation: undefined,
    job: undefined,
    steps: [],
    lastRead: 0,
    isReading: false,
    isReadRequested: true,
    wasPostponed: false,
    isUnreadable: false,
    newestEventId: null,
    stopWatch: () => {},
  };
}

/**
 * Returns the observation to send: null when neither the status nor the step has changed since the last one. A step that
 * moves backward stays where it was.
 */
export function nextObservation(
  { job, steps, observation: last }: FollowedJob,
  stateOf: StateOf,
): ProgressObservation | null {
  if (!job) return null;
  const next = { job, steps };
  if (!last) return next;
  if (stateOf(last.job) === stateOf(job) && !hasMoved(last, next)) return null;
  return stepOf(next) < stepOf(last) ? { job, steps: last.steps } : next;
}

/**
 * Records the newest events of a job, newest first. Returns whether there is a new one that is no step, such as the last one:
 * it announces a change of the job.
 */
export function recordEvents(job: FollowedJob, items: readonly LogItem[]): boolean {
  const events = items.flatMap(({ value }) => value ?? []);
  const [newest] = events;
  const isNew = job.newestEventId !== null && newest !== undefined && newest.id !== job.newestEventId;
  job.newestEventId = newest?.id ?? '';
  job.steps = events.flatMap((event) => stepReportOf(event) ?? []);
  return isNew && stepReportOf(newest) === null;
}

/** Notifies a listener. One that throws is ended with its error, which does not reach the caller. */
export function notify(
  listener: ProgressListener,
  observation: ProgressObservation,
  onListenerError: (error: unknown) => void,
): void {
  try {
    listener.onProgress(observation);
  } catch (error) {
    onListenerError(error);
    listener.onEnd(toError(error));
  }
}

/** Returns the last step in the events or in the job itself, whichever is later; -1 for none. */
function stepOf({ job, steps: [last] }: ProgressObservation): number {
  return Math.max(last?.step ?? -1, stepsOf(job).trained_steps ?? -1);
}

/** Whether a later observation has a later step or another total. */
function hasMoved(last: ProgressObservation, next: ProgressObservation): boolean {
  return stepOf(next) > stepOf(last) || (stepOf(next) === stepOf(last) && totalOf(next) !== totalOf(last));
}

const totalOf = ({ job, steps: [last] }: ProgressObservation) => last?.totalSteps ?? stepsOf(job).total_steps;

/**
 * Whether the events of a job wait for the next interval, because the job itself was polled in this one. Never twice in a row:
 * with a long interval, the job is polled in each.
 */
export function postponeRead(entry: FollowedJob, wasPolled: boolean): boolean {
  entry.wasPostponed = !entry.isReadRequested && !entry.wasPostponed && wasPolled;
  return entry.wasPostponed;
}
