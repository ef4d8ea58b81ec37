import type { Clock } from '../../clock.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobObserved, JobStore } from '../../store/resources/job.ts';
import type { AccountWatch } from './account-watch.ts';
import type { JobChange, StateOf } from './change.ts';
import type { DutyPolls } from './duty-polls.ts';
import type { JobSharing } from './job-sharing.ts';
import type { WatchedJob, WatchListener } from './watched-job.ts';

export interface WatchRegistryOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  stateOf: StateOf;
  sharing: JobSharing;
  pollIntervalMs: number;
  /** Called when a poll may be due earlier than before, and when a watch has ended. */
  onScheduleChange: () => void;
  /** Called with what a listener throws. */
  onListenerError: (error: unknown) => void;
}

/** The watched jobs of one scope: their listeners, last observations and due times. */
export interface WatchRegistry extends DutyPolls {
  readonly jobs: ReadonlyMap<string, WatchedJob>;
  readonly account: AccountWatch;
  /** Adds a listener for a job's changes. `snapshot` is the known state, if any; `stop` removes the listener. */
  watch(id: string, listener: WatchListener): { snapshot: JobChange | null; stop: () => void };
  /** Adds an account-wide listener. `snapshots` are the known active jobs; `stop` removes the listener. */
  watchAll(listener: WatchListener): { snapshots: readonly JobChange[]; stop: () => void };
  /** Updates the watches with an observation of any job, and notifies listeners of a change. */
  onObserved(observed: JobObserved): void;
  /** Requests a poll of a job, by default after a webhook. */
  requestPoll(id: string, cause?: 'webhook' | 'poll'): void;
  /** Whether account-wide listeners may be notified of an observation of a job that is not watched. */
  concernsAccount(observed: JobObserved): boolean;
  /** Removes the jobs that have settled, except those with listeners of their own. */
  removeSettled(): void;
  /** Records a failed poll: schedules a retry, or ends the job's watch with the error. */
  onPollFailed(job: WatchedJob, error: unknown): void;
  /** Records a scan of the list. After the first one, sends the snapshots of all active jobs. */
  onListScanned(): void;
  /** Ends the account-wide watch with the error. */
  endAccount(error: Error): void;
  /** Ends all watches of the scope with the error. */
  endAll(error: Error): void;
}
