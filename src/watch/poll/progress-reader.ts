import { logPageOf } from '../../store/resources/log-item.ts';
import type { JobEvent } from '../../upstream/resources/event.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import type { Page } from '../../upstream/resources/page.ts';
import { callersOf } from './claimants.ts';
import {
  type FollowedJob,
  isRemote,
  MOVING,
  newFollowedJob,
  nextObservation,
  notify,
  type ProgressListener,
  recordEvents,
} from './followed-job.ts';
import { createProgressReads, EVENT_COUNT, type ProgressReaderOptions } from './progress-reads.ts';

/**
 * Follows the steps of jobs while they have listeners. Reads the newest events of each moving job once per interval, for all
 * listeners; of more than MAX_READS moving jobs, those that were read first. A step that moves backward is not shown. When
 * another replica polls the scope, this one reads the events of a job once, and then gets what that one has read.
 */
export interface ProgressReader {
  /** Adds a listener of one job, which gets the present state first. Returns a function that removes it. */
  watch(jobId: string, listener: ProgressListener): () => void;
  /** Adds a listener of all jobs that have not ended. Returns a function that removes it. */
  watchAll(listener: ProgressListener): () => void;
  /** Handles an observation of a job: on some servers the job itself has its steps. */
  onObserved(job: Job): void;
  /** Handles newest events of a job that another replica has read. */
  receive(jobId: string, page: Page<JobEvent>): void;
  /** Whether the job is followed. */
  has(jobId: string): boolean;
  /** Reads the newest events of all jobs once, although another replica polls: something may be missing. */
  readHere(): void;
  /** This replica has the polls of the scope now, or has lost them. */
  onDuty(): void;
  /** Number of followed jobs. */
  readonly size: number;
  dispose(): void;
}

export function createProgressReader(options: ProgressReaderOptions): ProgressReader {
  const { access, store, logs, registry, stateOf, onListenerError } = options;
  const followed = new Map<string, FollowedJob>();
  const accountListeners = new Set<ProgressListener>();
  let stopAccountWatch: (() => void) | null = null;
  const reads = createProgressReads({ ...options, followed, accountListeners, onRead });

  function follow(id: string): FollowedJob {
    const known = followed.get(id);
    if (known) return known;
    const entry = newFollowedJob(id);
    followed.set(id, entry);
    return entry;
  }

  function removeIfUnused(entry: FollowedJob): void {
    if (entry.listeners.size > 0 || entry.isOfAccount || followed.get(entry.id) !== entry) return;
    followed.delete(entry.id);
    updateInterest(entry);
    const watched = registry.jobs.get(entry.id);
    if (watched) watched.areEventsRead = false;
    entry.stopWatch();
  }

  function endJob(entry: FollowedJob, error: Error): void {
    const listeners = [...entry.listeners];
    entry.listeners.clear();
    entry.ownListeners = 0;
    removeIfUnused(entry);
    for (const listener of listeners) listener.onEnd(error);
  }

  const isMoving = (job: Job) => stateOf(job) === MOVING;

  function onRead(entry: FollowedJob): void {
    if (followed.get(entry.id) === entry) publish(entry);
  }

  /** Tells whether subscribers of this replica follow the job. */
  function updateInterest(entry: FollowedJob): void {
    logs.setInterest('progress', entry.id, !isRemote(entry));
  }

  /** Sends the state of a job if it has changed since the last time. Removes an ended job. */
  function publish(entry: FollowedJob): void {
    if (entry.isReading || (entry.isReadRequested && reads.isNeeded(entry))) return;
    const observation = nextObservation(entry, stateOf);
    if (observation === null) return;
    entry.observation = observation;
    const listeners = [...entry.listeners, ...(entry.isOfAccount ? accountListeners : [])];
    for (const listener of listeners) notify(listener, observation, onListenerError);
    if (!isTerminal(observation.job)) return;
    entry.isOfAccount = false;
    updateInterest(entry);
    removeIfUnused(entry);
  }

  function setJob(entry: FollowedJob, job: Job): void {
    const isChanged = !entry.job || stateOf(entry.job) !== stateOf(job);
    entry.job = job;
    const watched = registry.jobs.get(entry.id);
    if (watched) watched.areEventsRead = isMoving(job) && !entry.isUnreadable;
    if (isChanged && (logs.isOnDuty || !entry.observation)) entry.isReadRequested = true;
    if (isChanged && reads.isNeeded(entry)) reads.schedule();
    else publish(entry);
  }

  function watchJob(entry: FollowedJob): void {
    const { snapshot, stop } = registry.watch(entry.id, {
      callers: callersOf(entry.listeners),
      get isRemote() {
        return isRemote(entry);
      },
      onChange: ({ job }) => setJob(entry, job),
      onEnd: (error) => endJob(entry, error),
    });
    entry.stopWatch = stop;
    if (snapshot) setJob(entry, snapshot.job);
  }

  function watchAccount(): void {
    const { snapshots, stop } = registry.watchAll({
      callers: callersOf(accountListeners),
      onChange: ({ job }) => setAccountJob(job),
      onEnd(error) {
        const listeners = [...accountListeners];
        stopAccount();
        for (const listener of listeners) listener.onEnd(error);
      },
    });
    stopAccountWatch = stop;
    for (const { job } of snapshots) setAccountJob(job);
  }

  function setAccountJob(job: Job): void {
    if (isTerminal(job) && !followed.has(job.id)) return;
    const entry = follow(job.id);
    entry.isOfAccount = true;
    updateInterest(entry);
    setJob(entry, job);
  }

  function stopAccount(): void {
    accountListeners.clear();
    stopAccountWatch?.();
    stopAccountWatch = null;
    for (const entry of [...followed.values()]) {
      entry.isOfAccount = false;
      updateInterest(entry);
      removeIfUnused(entry);
    }
  }

  return {
    watch(jobId, listener) {
      const entry = follow(jobId);
      entry.listeners.add(listener);
      if (!listener.isRemote) entry.ownListeners++;
      updateInterest(entry);
      if (entry.observation) listener.onProgress(entry.observation);
      if (entry.listeners.size === 1) watchJob(entry);
      return () => {
        if (!entry.listeners.delete(listener)) return;
        if (!listener.isRemote) entry.ownListeners--;
        updateInterest(entry);
        if (entry.listeners.size > 0) return;
        entry.stopWatch();
        entry.stopWatch = () => {};
        removeIfUnused(entry);
      };
    },
    watchAll(listener) {
      accountListeners.add(listener);
      for (const { observation, isOfAccount } of followed.values()) {
        if (isOfAccount && observation) listener.onProgress(observation);
      }
      if (accountListeners.size === 1) watchAccount();
      return () => {
        if (accountListeners.delete(listener) && accountListeners.size === 0) stopAccount();
      };
    },
    onObserved(job) {
      const entry = followed.get(job.id);
      if (!entry?.job || stateOf(entry.job) !== stateOf(job)) return; // A change comes from the registry.
      entry.job = job;
      if (entry.observation) publish(entry);
    },
    has: (jobId) => followed.has(jobId),
    receive(jobId, page) {
      const entry = followed.get(jobId);
      if (entry === undefined) return;
      const log = store.events.receive(access, jobId, page);
      if (entry.isReading) entry.isReadRequested = true; // The read may be older.
      const items = log?.head.items ?? logPageOf(page, 0).items;
      recordEvents(entry, items.slice(0, EVENT_COUNT));
      publish(entry);
    },
    readHere() {
      for (const entry of followed.values()) entry.isReadRequested = true;
      reads.schedule();
    },
    onDuty: reads.schedule,
    get size() {
      return followed.size;
    },
    dispose: reads.dispose,
  };
}
