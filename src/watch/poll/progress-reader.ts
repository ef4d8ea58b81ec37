import { contextFor, createReadContext } from '../../store/cache/read-context.ts';
import type { Store } from '../../store/store.ts';
import type { SpanEvent } from '../../telemetry/spans.ts';
import { isTerminal, type Job } from '../../upstream/resources/job.ts';
import { callersOf, pollClaimant } from './claimants.ts';
import {
  type FollowedJob,
  MOVING,
  needsEventRead,
  newFollowedJob,
  nextObservation,
  notify,
  type ProgressListener,
  postponeRead,
  recordEvents,
} from './followed-job.ts';
import { observePoll, reportPollFailure } from './poll-events.ts';
import { nextPollAfterFailureIn } from './poll-interval.ts';
import { isPermanent, retryAfterOf } from './watch-errors.ts';
import type { WatchRegistry, WatchRegistryOptions } from './watch-registry.ts';

/**
 * Follows the steps of jobs while they have listeners. Reads the newest events of each moving job once per interval, for all
 * listeners; of more than MAX_READS moving jobs, those that were read first. A step that moves backward is not shown.
 */
export interface ProgressReader {
  /** Adds a listener of one job, which gets the present state first. Returns a function that removes it. */
  watch(jobId: string, listener: ProgressListener): () => void;
  /** Adds a listener of all jobs that have not ended. Returns a function that removes it. */
  watchAll(listener: ProgressListener): () => void;
  /** Handles an observation of a job: on some servers the job itself has its steps. */
  onObserved(job: Job): void;
  /** Number of followed jobs. */
  readonly size: number;
  dispose(): void;
}

export interface ProgressReaderOptions extends Omit<WatchRegistryOptions, 'jobs' | 'onScheduleChange'> {
  store: Store;
  registry: WatchRegistry;
}

/** Maximum jobs whose events are read in one interval. */
export const MAX_READS = 25;
/** Number of events to read: the default page of `events`. */
const EVENT_COUNT = 20;

export function createProgressReader(options: ProgressReaderOptions): ProgressReader {
  const { access, store, clock, registry, stateOf, pollIntervalMs, onListenerError } = options;
  const disposal = new AbortController();
  const readContext = createReadContext(disposal.signal);
  const followed = new Map<string, FollowedJob>();
  const accountListeners = new Set<ProgressListener>();
  let stopAccountWatch: (() => void) | null = null;
  let cancelTimer: (() => void) | null = null;
  let intervalStartedAt = Number.NEGATIVE_INFINITY;
  let [readsInInterval, reads, failures] = [0, 0, 0];
  let pausedUntil = Number.NEGATIVE_INFINITY;

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
    const watched = registry.jobs.get(entry.id);
    if (watched) watched.areEventsRead = false;
    entry.stopWatch();
  }

  function endJob(entry: FollowedJob, error: Error): void {
    const listeners = [...entry.listeners];
    entry.listeners.clear();
    removeIfUnused(entry);
    for (const listener of listeners) listener.onEnd(error);
  }

  const isMoving = (job: Job) => stateOf(job) === MOVING;
  const needsRead = (entry: FollowedJob) => needsEventRead(entry, stateOf);

  const postpone = (entry: FollowedJob, now: number) =>
    postponeRead(entry, now - (registry.jobs.get(entry.id)?.polledAt ?? Number.NEGATIVE_INFINITY) < pollIntervalMs);

  function schedule(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (disposal.signal.aborted) return;
    const waiting = [...followed.values()].filter(needsRead);
    if (waiting.length === 0) return;
    const now = clock.now();
    const isRequested = waiting.some(({ isReadRequested }) => isReadRequested);
    const hasRoom = readsInInterval < MAX_READS || now - intervalStartedAt >= pollIntervalMs;
    const dueAt = isRequested && hasRoom ? now : intervalStartedAt + pollIntervalMs;
    cancelTimer = clock.after(Math.max(0, Math.max(dueAt, pausedUntil) - now), readDue);
  }

  function readDue(): void {
    const now = clock.now();
    const isNewInterval = now - intervalStartedAt >= pollIntervalMs;
    if (isNewInterval) [intervalStartedAt, readsInInterval] = [now, 0];
    const due = [...followed.values()]
      .filter((entry) => needsRead(entry) && (isNewInterval ? !postpone(entry, now) : entry.isReadRequested))
      .sort((one, other) => one.lastRead - other.lastRead)
      .slice(0, MAX_READS - readsInInterval);
    readsInInterval += due.length;
    for (const entry of due) void read(entry).finally(schedule);
    schedule();
  }

  async function read(entry: FollowedJob): Promise<void> {
    entry.isReading = true;
    entry.isReadRequested = false;
    entry.lastRead = ++reads;
    const callers = callersOf(entry.listeners, entry.isOfAccount ? accountListeners : []);
    // The subscribers wait for the read: it takes the first turn that any of them has.
    const readNewest = (span: SpanEvent | null) =>
      store.events.newest(access, entry.id, EVENT_COUNT, contextFor(pollClaimant(callers, span), readContext));
    try {
      const { items } = await observePoll('progress', callers, 0, readNewest);
      failures = 0;
      if (recordEvents(entry, items.slice(0, EVENT_COUNT))) registry.requestPoll(entry.id, 'poll');
    } catch (error) {
      if (disposal.signal.aborted) return;
      reportPollFailure('progress', isPermanent(error) ? 'dropped' : 'retried', error);
      if (!isPermanent(error)) return pauseAfter(error, entry);
      entry.isUnreadable = true;
    } finally {
      entry.isReading = false;
    }
    if (followed.get(entry.id) === entry) publish(entry);
  }

  function pauseAfter(error: unknown, entry: FollowedJob): void {
    entry.isReadRequested = true;
    const waitMs = nextPollAfterFailureIn(++failures, pollIntervalMs, Math.random(), retryAfterOf(error));
    pausedUntil = clock.now() + waitMs;
  }

  /** Sends the state of a job if it has changed since the last time. Removes an ended job. */
  function publish(entry: FollowedJob): void {
    if (entry.isReading || (entry.isReadRequested && needsRead(entry))) return;
    const observation = nextObservation(entry, stateOf);
    if (observation === null) return;
    entry.observation = observation;
    const listeners = [...entry.listeners, ...(entry.isOfAccount ? accountListeners : [])];
    for (const listener of listeners) notify(listener, observation, onListenerError);
    if (!isTerminal(observation.job)) return;
    entry.isOfAccount = false;
    removeIfUnused(entry);
  }

  function setJob(entry: FollowedJob, job: Job): void {
    const isChanged = !entry.job || stateOf(entry.job) !== stateOf(job);
    entry.job = job;
    const watched = registry.jobs.get(entry.id);
    if (watched) watched.areEventsRead = isMoving(job) && !entry.isUnreadable;
    if (isChanged) entry.isReadRequested = true;
    if (isChanged && needsRead(entry)) schedule();
    else publish(entry);
  }

  function watchJob(entry: FollowedJob): void {
    const { snapshot, stop } = registry.watch(entry.id, {
      callers: callersOf(entry.listeners),
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
    setJob(entry, job);
  }

  function stopAccount(): void {
    accountListeners.clear();
    stopAccountWatch?.();
    stopAccountWatch = null;
    for (const entry of [...followed.values()]) {
      entry.isOfAccount = false;
      removeIfUnused(entry);
    }
  }

  return {
    watch(jobId, listener) {
      const entry = follow(jobId);
      entry.listeners.add(listener);
      if (entry.observation) listener.onProgress(entry.observation);
      if (entry.listeners.size === 1) watchJob(entry);
      return () => {
        if (!entry.listeners.delete(listener) || entry.listeners.size > 0) return;
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
    get size() {
      return followed.size;
    },
    dispose() {
      disposal.abort(new Error('The progress has no more listeners.'));
      cancelTimer?.();
      cancelTimer = null;
    },
  };
}
