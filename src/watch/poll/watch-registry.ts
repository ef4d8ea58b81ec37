import type { Clock } from '../../clock.ts';
import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobObserved, JobStore } from '../../store/resources/job.ts';
import { isTerminal } from '../../upstream/resources/job.ts';
import { type AccountWatch, createAccountWatch } from './account-watch.ts';
import { changeOf, createSnapshots, type JobChange, type StateOf } from './change.ts';
import { reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn, nextPollIn } from './poll-interval.ts';
import { isPermanent, JobNotFound, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchedJob, WatchListener } from './watched-job.ts';

/** Minimum milliseconds from the start of a poll of a job to the next requested poll of that job. */
const MIN_REQUESTED_INTERVAL_MS = 250;

export interface WatchRegistryOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  stateOf: StateOf;
  pollIntervalMs: number;
  /** Called when a poll may be due earlier than before, and when a watch has ended. */
  onScheduleChange: () => void;
  /** Called with what a listener throws. */
  onListenerError: (error: unknown) => void;
}

/** The watched jobs of one scope: their listeners, last observations and due times. */
export interface WatchRegistry {
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
  /** Records a failed poll: schedules a retry, or ends the job's watch with the error. */
  onPollFailed(job: WatchedJob, error: unknown): void;
  /** Records a scan of the list. After the first one, sends the snapshots of all active jobs. */
  onListScanned(): void;
  /** Ends all watches of the scope with the error. */
  endAll(error: Error): void;
}

export function createWatchRegistry({
  access,
  jobs: store,
  clock,
  stateOf,
  pollIntervalMs,
  onScheduleChange,
  onListenerError,
}: WatchRegistryOptions): WatchRegistry {
  const jobs = new Map<string, WatchedJob>();
  const snapshotOf = createSnapshots();
  const account = createAccountWatch();

  function addJob(id: string, observation = store.freshObservation(access, id)): WatchedJob {
    const unpin = store.pin(access, id, observation);
    const job: WatchedJob = {
      id,
      listeners: new Set(),
      isWatchedByAccount: false,
      observation: observation?.value ? observation : undefined, // An absence is polled again.
      listPosition: undefined,
      changedAt: clock.now(),
      dueAt: clock.now(),
      polledAt: Number.NEGATIVE_INFINITY,
      requested: null,
      isPolling: false,
      areEventsRead: false,
      failures: 0,
      unpin,
    };
    jobs.set(id, job);
    if (job.observation) scheduleNextPoll(job);
    return job;
  }

  function removeIfUnwatched(job: WatchedJob) {
    if (job.listeners.size > 0 || job.isWatchedByAccount || jobs.get(job.id) !== job) return;
    jobs.delete(job.id);
    job.unpin();
    onScheduleChange();
  }

  function scheduleNextPoll(job: WatchedJob) {
    const { observation, changedAt, polledAt, requested } = job;
    const now = clock.now();
    if (requested) job.dueAt = Math.max(now, polledAt + Math.min(MIN_REQUESTED_INTERVAL_MS, pollIntervalMs));
    else if (!observation?.value) job.dueAt = now;
    else if (isTerminal(observation.value)) job.dueAt = Number.POSITIVE_INFINITY;
    else {
      const unchangedMs = job.areEventsRead ? Number.POSITIVE_INFINITY : now - changedAt;
      job.dueAt = now + nextPollIn(stateOf(observation.value), unchangedMs, pollIntervalMs);
    }
  }

  function endJob(job: WatchedJob, error: Error) {
    job.isWatchedByAccount = false;
    for (const listener of [...job.listeners]) listener.onEnd(error);
    job.listeners.clear();
    removeIfUnwatched(job);
  }

  /** Notifies each listener. A listener that throws is ended with its error; the others and the caller continue. */
  function notifyAll(listeners: ReadonlySet<WatchListener>, change: JobChange) {
    for (const listener of [...listeners]) {
      try {
        listener.onChange(change);
      } catch (error) {
        onListenerError(error);
        listener.onEnd(toError(error));
      }
    }
  }

  function updateJob(job: WatchedJob, observation: JobObservation, change: JobChange | null) {
    const isFirst = job.observation === undefined;
    job.observation = observation;
    job.failures = 0;
    if (observation.value === null) return endJob(job, new JobNotFound(!isFirst));
    if (change) job.changedAt = clock.now();
    scheduleNextPoll(job);
    const notification = isFirst ? snapshotOf(observation) : change;
    if (notification) notifyAll(job.listeners, notification);
  }

  /** Notifies account-wide listeners of a change, of a new job, or of an active job found. The job is then watched. */
  function updateAccount(observation: JobObservation, change: JobChange | null) {
    const { value: job } = observation;
    if (job === null || account.listeners.size === 0) return;
    const isNew = account.isNew(job);
    const isFound = !isTerminal(job) && jobs.get(job.id)?.isWatchedByAccount !== true;
    const isChange = change !== null && (change.previous !== null || isNew);
    const notification = isChange ? change : isFound ? snapshotOf(observation) : null;
    if (!notification) return;
    // Race: an ended job is watched until it has settled, as a late response to an older request could show it as active.
    const watched = jobs.get(job.id) ?? addJob(job.id, observation);
    watched.isWatchedByAccount = true;
    if (!account.isScanned) return;
    account.recordChange(clock.now());
    notifyAll(account.listeners, notification);
  }

  function requestJobPoll(job: WatchedJob, cause: 'webhook' | 'poll') {
    if (job.requested !== 'webhook') job.requested = cause;
    scheduleNextPoll(job);
    onScheduleChange();
  }

  const activeSnapshots = () =>
    [...jobs.values()].flatMap(({ isWatchedByAccount, observation }) => {
      const isActive = isWatchedByAccount && observation?.value && !isTerminal(observation.value);
      return isActive ? (snapshotOf(observation) ?? []) : [];
    });

  function removeFromAccount(job: WatchedJob) {
    job.isWatchedByAccount = false;
    removeIfUnwatched(job);
  }

  /** Whether an observation was rejected although it shows another state than the accepted one. */
  function isRejectedChange({ previous, accepted, observed }: JobObserved): boolean {
    if (accepted !== previous || !observed.value || !accepted.value) return false;
    return stateOf(observed.value) !== stateOf(accepted.value);
  }

  return {
    jobs,
    account,
    watch(id, listener) {
      const job = jobs.get(id) ?? addJob(id);
      job.listeners.add(listener);
      onScheduleChange();
      const stop = () => {
        if (job.listeners.delete(listener)) removeIfUnwatched(job);
      };
      return { snapshot: job.observation ? snapshotOf(job.observation) : null, stop };
    },
    watchAll(listener) {
      if (account.listeners.size === 0) account.start(clock.now());
      account.listeners.add(listener);
      onScheduleChange();
      const stop = () => {
        if (!account.listeners.delete(listener) || account.listeners.size > 0) return;
        for (const job of [...jobs.values()]) removeFromAccount(job);
        onScheduleChange();
      };
      return { snapshots: account.isScanned ? activeSnapshots() : [], stop };
    },
    onObserved(observed) {
      const { id, previous, accepted } = observed;
      const job = jobs.get(id);
      const change = changeOf(observed, stateOf);
      if (job && isRejectedChange(observed)) requestJobPoll(job, 'poll');
      if (job && accepted !== previous) updateJob(job, accepted, change);
      updateAccount(accepted, change);
    },
    requestPoll(id, cause = 'webhook') {
      const job = jobs.get(id);
      if (job) return requestJobPoll(job, cause);
      if (account.listeners.size === 0) return;
      account.requestPoll(clock.now()); // The job may be new.
      onScheduleChange();
    },
    onPollFailed(job, error) {
      job.failures++;
      const isDropped = isPermanent(error) || job.observation === undefined;
      reportPollFailure('jobs', isDropped ? 'dropped' : 'retried', error);
      if (isDropped) return endJob(job, toError(error));
      const waitMs = nextPollAfterFailureIn(job.failures, pollIntervalMs, Math.random(), retryAfterOf(error));
      job.dueAt = clock.now() + waitMs;
    },
    onListScanned() {
      const isFirst = !account.isScanned;
      account.recordScan(clock.now(), pollIntervalMs);
      const settled = [...jobs.values()].filter(
        ({ id, isWatchedByAccount }) =>
          isWatchedByAccount && store.invalidation.end(access, id).settledAt <= clock.now(),
      );
      for (const job of settled) removeFromAccount(job);
      if (!isFirst) return;
      for (const snapshot of activeSnapshots()) notifyAll(account.listeners, snapshot);
    },
    endAll(error) {
      account.end(error);
      for (const job of [...jobs.values()]) endJob(job, error);
      onScheduleChange();
    },
  };
}
