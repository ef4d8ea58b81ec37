import type { JobObservation } from '../../store/cache/freshness.ts';
import type { JobObserved } from '../../store/resources/job.ts';
import { isTerminal } from '../../upstream/resources/job.ts';
import { createAccountWatch } from './account-watch.ts';
import { changeOf, createSnapshots, type JobChange } from './change.ts';
import { createDutyPolls } from './duty-polls.ts';
import { reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn, nextPollIn } from './poll-interval.ts';
import type { WatchRegistry, WatchRegistryOptions } from './registry-types.ts';
import { isPermanent, JobNotFound, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchedJob, WatchListener } from './watched-job.ts';

/** Minimum milliseconds from the start of a poll of a job to the next requested poll of that job. */
const MIN_REQUESTED_INTERVAL_MS = 250;

export function createWatchRegistry({
  access,
  jobs: store,
  clock,
  stateOf,
  sharing,
  pollIntervalMs,
  onScheduleChange,
  onListenerError,
}: WatchRegistryOptions): WatchRegistry {
  const jobs = new Map<string, WatchedJob>();
  const snapshotOf = createSnapshots();
  const account = createAccountWatch();

  const intervalMs = () => pollIntervalMs * sharing.intervalFactor;
  const duty = createDutyPolls({ jobs, account, clock, intervalMs, onScheduleChange });

  function addJob(id: string, observation = sharing.firstObservation(id)): WatchedJob {
    const unpin = store.pin(access, id, observation);
    const job: WatchedJob = {
      id,
      listeners: new Set(),
      isWatchedByAccount: false,
      observation: observation?.value ? observation : undefined, // An absence is polled again.
      listPosition: undefined,
      changedAt: clock.now(),
      dueAt: clock.now() + sharing.firstPollDelayMs,
      polledAt: Number.NEGATIVE_INFINITY,
      requested: null,
      isPolling: false,
      isPolledHere: false,
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
    sharing.onUnwatched(job.id);
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
      job.dueAt = now + nextPollIn(stateOf(observation.value), unchangedMs, intervalMs());
    }
  }

  function endJob(job: WatchedJob, error: Error) {
    job.isWatchedByAccount = false;
    for (const listener of [...job.listeners]) listener.onEnd(error);
    job.listeners.clear();
    removeIfUnwatched(job);
  }

  function endAccount(error: Error) {
    account.end(error);
    sharing.onAccountListeners();
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
    job.isPolledHere = false;
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
    if (!sharing.isOnDuty) return sharing.passOn(job.id, cause);
    if (job.requested !== 'webhook') job.requested = cause;
    scheduleNextPoll(job);
    onScheduleChange();
  }

  const activeSnapshots = () =>
    [...jobs.values()].flatMap(({ isWatchedByAccount, observation }) => {
      const isActive = isWatchedByAccount && observation?.value && !isTerminal(observation.value);
      return isActive ? (snapshotOf(observation) ?? []) : [];
    });

  function removeSettled() {
    const now = clock.now();
    for (const job of [...jobs.values()]) {
      if (job.isWatchedByAccount && store.invalidation.end(access, job.id).settledAt <= now) removeFromAccount(job);
    }
  }

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
      sharing.onListeners(id);
      onScheduleChange();
      const stop = () => {
        if (!job.listeners.delete(listener)) return;
        if (jobs.get(id) === job) sharing.onListeners(id);
        removeIfUnwatched(job);
      };
      return { snapshot: job.observation ? snapshotOf(job.observation) : null, stop };
    },
    watchAll(listener) {
      if (account.listeners.size === 0) account.start(clock.now());
      account.listeners.add(listener);
      sharing.onAccountListeners();
      onScheduleChange();
      const stop = () => {
        if (!account.listeners.delete(listener)) return;
        sharing.onAccountListeners();
        if (account.listeners.size > 0) return;
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
      if (!sharing.isOnDuty) return sharing.passOn(id, cause);
      account.requestPoll(clock.now()); // The job may be new.
      onScheduleChange();
    },
    concernsAccount(observed) {
      const { value } = observed.accepted;
      if (value === null || account.listeners.size === 0) return false;
      const change = changeOf(observed, stateOf);
      return !isTerminal(value) || (change !== null && (change.previous !== null || account.isNewer(value)));
    },
    ...duty,
    endAccount,
    removeSettled,
    onPollFailed(job, error) {
      job.failures++;
      const isDropped = isPermanent(error) || job.observation === undefined;
      reportPollFailure('jobs', isDropped ? 'dropped' : 'retried', error);
      if (isDropped) return endJob(job, toError(error));
      const waitMs = nextPollAfterFailureIn(job.failures, intervalMs(), Math.random(), retryAfterOf(error));
      job.dueAt = clock.now() + waitMs;
    },
    onListScanned() {
      const isFirst = !account.isScanned;
      account.recordScan(clock.now(), intervalMs());
      removeSettled();
      if (!isFirst) return;
      for (const snapshot of activeSnapshots()) notifyAll(account.listeners, snapshot);
    },
    endAll(error) {
      endAccount(error);
      for (const job of [...jobs.values()]) endJob(job, error);
      onScheduleChange();
    },
  };
}
