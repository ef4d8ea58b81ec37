import type { Clock } from '../../clock.ts';
import type { JobObservation } from '../../store/cache/freshness.ts';
import type { Access } from '../../store/cache/scope.ts';
import type { JobObserved, JobStore } from '../../store/resources/job.ts';
import { isTerminal } from '../../upstream/resources/job.ts';
import { type AccountWatch, createAccountWatch } from './account-watch.ts';
import { nextPollAfterFailureIn, nextPollIn } from './cadence.ts';
import { changeOf, createSnapshots, type JobChange, type StateOf } from './change.ts';
import { isPermanent, JobNotFound, retryAfterOf, toError } from './watch-errors.ts';
import type { WatchedJob, WatchListener } from './watched-job.ts';

/** A look that somebody waits for does not follow another sooner than this, in milliseconds. */
const MIN_GAP_MS = 250;

export interface WatchRegistryOptions {
  access: Access;
  jobs: JobStore;
  clock: Clock;
  stateOf: StateOf;
  pollIntervalMs: number;
  /** Called when a look may be due sooner than before, or nobody watches any more. */
  onScheduleChange: () => void;
}

/** Which jobs of one scope are watched, by whom, what was seen of them last, and when to look again. */
export interface WatchRegistry {
  readonly jobs: ReadonlyMap<string, WatchedJob>;
  readonly account: AccountWatch;
  /** Tells of a job's changes from now on; `current` is what is known of it already. */
  follow(id: string, listener: WatchListener): { current: JobChange | null; leave: () => void };
  /** Tells of the changes of all jobs from now on; `current` is the state of those that move. */
  followAll(listener: WatchListener): { current: readonly JobChange[]; leave: () => void };
  /** Takes note of a sight of any job. */
  onObserved(sighting: JobObserved): void;
  /** Makes a look necessary that begins from now on. */
  requestPoll(id: string): void;
  /** Takes note that a look at a job has failed: it is tried later, or its followers are told. */
  onPollFailed(job: WatchedJob, error: unknown): void;
  /** Takes note that the account's jobs were looked at, down to the oldest that moves. */
  onListScanned(): void;
  /** Ends everything: the upstream does not answer this credential. */
  endAll(error: Error): void;
}

export function createWatchRegistry({
  access,
  jobs: store,
  clock,
  stateOf,
  pollIntervalMs,
  onScheduleChange,
}: WatchRegistryOptions): WatchRegistry {
  const jobs = new Map<string, WatchedJob>();
  const snapshotOf = createSnapshots();
  const account = createAccountWatch();

  function watch(id: string, seen = store.freshObservation(access, id)): WatchedJob {
    const release = store.pin(access, id, seen);
    const job: WatchedJob = {
      id,
      listeners: new Set(),
      isOfAccount: false,
      observation: seen?.value ? seen : undefined, // That there is none is asked again.
      listPosition: undefined,
      changedAt: clock.now(),
      dueAt: clock.now(),
      polledAt: Number.NEGATIVE_INFINITY,
      requested: null,
      isPolling: false,
      failures: 0,
      release,
    };
    jobs.set(id, job);
    if (job.observation) plan(job);
    return job;
  }

  function letGo(job: WatchedJob) {
    if (job.listeners.size > 0 || job.isOfAccount || jobs.get(job.id) !== job) return;
    jobs.delete(job.id);
    job.release();
    onScheduleChange();
  }

  function plan(job: WatchedJob) {
    const { observation, changedAt, polledAt, requested } = job;
    const now = clock.now();
    if (requested) job.dueAt = Math.max(now, polledAt + Math.min(MIN_GAP_MS, pollIntervalMs));
    else if (!observation?.value) job.dueAt = now;
    else if (isTerminal(observation.value)) job.dueAt = Number.POSITIVE_INFINITY;
    else job.dueAt = now + nextPollIn(stateOf(observation.value), now - changedAt, pollIntervalMs);
  }

  function end(job: WatchedJob, error: Error) {
    job.isOfAccount = false;
    for (const listener of [...job.listeners]) listener.onEnd(error);
    job.listeners.clear();
    letGo(job);
  }

  function show(job: WatchedJob, observation: JobObservation, change: JobChange | null) {
    const isFirst = job.observation === undefined;
    job.observation = observation;
    job.failures = 0;
    if (observation.value === null) return end(job, new JobNotFound(!isFirst));
    if (change) job.changedAt = clock.now();
    plan(job);
    const news = isFirst ? snapshotOf(observation) : change;
    if (news) for (const listener of [...job.listeners]) listener.onChange(news);
  }

  /** What those who follow all are told of a sight. Such a job is watched from then on. */
  function showToAll(observation: JobObservation, change: JobChange | null) {
    const { value: job } = observation;
    if (job === null || account.listeners.size === 0) return;
    const isNew = account.isNew(job);
    const isFound = !isTerminal(job) && jobs.get(job.id)?.isOfAccount !== true;
    const isNews = change !== null && (change.previous !== null || isNew);
    const news = isNews ? change : isFound ? snapshotOf(observation) : null;
    if (!news) return;
    // One that has ended too, for a while: what was asked before may come late, and would show it moving.
    const watched = jobs.get(job.id) ?? watch(job.id, observation);
    watched.isOfAccount = true;
    if (!account.isScanned) return;
    account.changed(clock.now());
    for (const listener of [...account.listeners]) listener.onChange(news);
  }

  function want(job: WatchedJob, cause: 'webhook' | 'poll') {
    if (job.requested !== 'webhook') job.requested = cause;
    plan(job);
    onScheduleChange();
  }

  const moving = () =>
    [...jobs.values()].flatMap(({ isOfAccount, observation }) => {
      const isMoving = isOfAccount && observation?.value && !isTerminal(observation.value);
      return isMoving ? (snapshotOf(observation) ?? []) : [];
    });

  function leaveAccount(job: WatchedJob) {
    job.isOfAccount = false;
    letGo(job);
  }

  return {
    jobs,
    account,
    follow(id, listener) {
      const job = jobs.get(id) ?? watch(id);
      job.listeners.add(listener);
      onScheduleChange();
      const leave = () => {
        if (job.listeners.delete(listener)) letGo(job);
      };
      return { current: job.observation ? snapshotOf(job.observation) : null, leave };
    },
    followAll(listener) {
      if (account.listeners.size === 0) account.begin(clock.now());
      account.listeners.add(listener);
      onScheduleChange();
      const leave = () => {
        if (!account.listeners.delete(listener) || account.listeners.size > 0) return;
        for (const job of [...jobs.values()]) leaveAccount(job);
        onScheduleChange();
      };
      return { current: account.isScanned ? moving() : [], leave };
    },
    onObserved(sighting) {
      const { id, previous, accepted, observed } = sighting;
      const job = jobs.get(id);
      const isDoubted =
        accepted === previous &&
        observed.value &&
        accepted.value &&
        stateOf(observed.value) !== stateOf(accepted.value);
      const change = changeOf(sighting, stateOf);
      if (job && isDoubted) want(job, 'poll');
      if (job && accepted !== previous) show(job, accepted, change);
      showToAll(accepted, change);
    },
    requestPoll(id) {
      const job = jobs.get(id);
      if (job) return want(job, 'webhook');
      if (account.listeners.size === 0) return;
      account.requestPoll(clock.now()); // It may be a new one.
      onScheduleChange();
    },
    onPollFailed(job, error) {
      job.failures++;
      if (isPermanent(error) || job.observation === undefined) return end(job, toError(error));
      const waitMs = nextPollAfterFailureIn(job.failures, pollIntervalMs, Math.random(), retryAfterOf(error));
      job.dueAt = clock.now() + waitMs;
    },
    onListScanned() {
      const isFirst = !account.isScanned;
      account.scanned(clock.now(), pollIntervalMs);
      const quiet = [...jobs.values()].filter(
        ({ id, isOfAccount }) => isOfAccount && store.invalidation.end(access, id).settledAt <= clock.now(),
      );
      for (const job of quiet) leaveAccount(job);
      if (!isFirst) return;
      for (const change of moving()) for (const listener of [...account.listeners]) listener.onChange(change);
    },
    endAll(error) {
      account.end(error);
      for (const job of [...jobs.values()]) end(job, error);
      onScheduleChange();
    },
  };
}
